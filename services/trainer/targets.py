"""Which layers a job trains, and whether a previous adapter fits. Pure: no torch, so the step can compare adapters."""

import json
from collections.abc import Collection
from pathlib import Path

from safetensors import safe_open

from shared.errors import InvalidInput
from shared.job_settings import TrainSettings
from shared.lora_layers import LoraLayers

_REMEDY = "Keep rank, alpha and projector the same in all rounds, or set train.start_from to 'base'."


def chosen_layers(layers: LoraLayers, settings: TrainSettings, base_model: str) -> tuple[str, ...]:
    """Full names of the layers to train. Raises InvalidInput when a wanted part of the model has none."""
    wanted = {"language model": layers.language}
    if settings.projector == "lora":
        wanted["projector"] = layers.projector
    missing = [part for part, names in wanted.items() if not names]
    if missing:
        raise InvalidInput(
            f"base model {base_model!r} has no linear layers to train in its {' and '.join(missing)}",
            remedy="Use another vision-language model, or set train.projector to 'frozen' where only the projector is "
            "missing.",
            code="unsupported_model",
        )
    return tuple(name for names in wanted.values() for name in names)


def check_previous(adapter: Path, settings: TrainSettings, where: str) -> None:
    """Raise InvalidInput when the adapter in the folder `adapter` cannot be trained on with this rank and alpha. One
    that is merged may have any."""
    if settings.start_from == "merged":
        return
    config = json.loads((adapter / "adapter_config.json").read_text())
    has = {"lora_rank": config.get("r"), "lora_alpha": config.get("lora_alpha")}
    wrong = [
        f"train.{name} gives {getattr(settings, name)!r}, the adapter has {value!r}"
        for name, value in has.items()
        if getattr(settings, name) != value
    ]
    if wrong:
        raise _mismatch(f"the previous round's adapter {where} does not fit this job's settings: {'; '.join(wrong)}")


def check_layers(adapter: Path, chosen: Collection[str]) -> None:
    """Raise InvalidInput unless the adapter in the folder `adapter` trains the layers `chosen`, and no other.

    What it trains is read from its weights: the pattern in its config may be another release's way to say the same.
    """
    with safe_open(adapter / "adapter_model.safetensors", framework="np") as file:
        has = {key.removeprefix("base_model.model.").rpartition(".lora_")[0] for key in file.keys()}  # noqa: SIM118
    odd = sorted(has.symmetric_difference(chosen))
    if odd:
        raise _mismatch(
            f"the previous round's adapter does not train the same layers as this job: {len(odd)} differ, such as "
            f"{odd[0]}, which {'the adapter' if odd[0] in has else 'this job'} trains; train.projector may have changed"
        )


def _mismatch(message: str) -> InvalidInput:
    return InvalidInput(message, remedy=_REMEDY, code="adapter_mismatch")
