"""Which layers a job trains, and whether a previous adapter fits. Pure: no torch, so the step can compare adapters."""

import json
import re
from pathlib import Path

from safetensors import safe_open

from shared.errors import InvalidInput
from shared.job_settings import TrainSettings
from shared.lora_layers import LANGUAGE, PROJECTOR


def target_pattern(settings: TrainSettings) -> str:
    """A regular expression that fully matches the names of the linear layers to train."""
    return f"{LANGUAGE}|{PROJECTOR}" if settings.projector == "lora" else LANGUAGE


def check_previous(adapter: Path, settings: TrainSettings, where: str) -> None:
    """Raise InvalidInput when the adapter in the folder `adapter` cannot be trained on under these settings.

    What it trains is read from its weights: the pattern in its config may be another release's way to say the same.
    """
    config = json.loads((adapter / "adapter_config.json").read_text())
    has = {"lora_rank": config.get("r"), "lora_alpha": config.get("lora_alpha"), "projector": _projector_of(adapter)}
    wrong = [
        f"train.{name} gives {getattr(settings, name)!r}, the adapter has {value!r}"
        for name, value in has.items()
        if getattr(settings, name) != value
    ]
    if wrong:
        raise InvalidInput(
            f"the previous round's adapter {where} does not fit this job's settings: {'; '.join(wrong)}",
            remedy="Keep rank, alpha and projector the same in all rounds, or set train.start_from to 'base'.",
            code="adapter_mismatch",
        )


def _projector_of(adapter: Path) -> str:
    with safe_open(adapter / "adapter_model.safetensors", framework="np") as file:
        layers = {key.removeprefix("base_model.model.").rpartition(".lora_")[0] for key in file.keys()}  # noqa: SIM118
    return "lora" if any(re.fullmatch(PROJECTOR, layer) for layer in layers) else "frozen"
