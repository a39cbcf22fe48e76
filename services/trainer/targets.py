"""Which layers get LoRA, by module name, for LLaVA-like models. Pure: no torch, so the step can compare adapters.

The patterns are anchored on the language model and the projector: a bare `q_proj` would match the vision tower too,
which stays frozen and whose LoRA weights a server ignores or refuses.
"""

import json
from pathlib import Path

from shared.errors import InvalidInput
from shared.job_settings import TrainSettings

_LANGUAGE = r"(?:.*\.)?language_model\.(?:.*\.)?(?:q|k|v|o|gate|up|down)_proj"
_PROJECTOR = r"(?:.*\.)?multi_modal_projector\.(?:.*\.)?linear\w*"


def target_pattern(settings: TrainSettings) -> str:
    """A regular expression that fully matches the names of the linear layers to train."""
    return f"{_LANGUAGE}|{_PROJECTOR}" if settings.projector == "lora" else _LANGUAGE


def check_previous(adapter: Path, settings: TrainSettings, where: str) -> None:
    """Raise InvalidInput when the adapter in the folder `adapter` cannot be trained on under these settings."""
    config = json.loads((adapter / "adapter_config.json").read_text())
    wanted = {"r": settings.lora_rank, "lora_alpha": settings.lora_alpha, "target_modules": target_pattern(settings)}
    names = {"r": "train.lora_rank", "lora_alpha": "train.lora_alpha", "target_modules": "train.projector"}
    wrong = [
        f"{names[key]} gives {value!r}, the adapter has {config.get(key)!r}"
        for key, value in wanted.items()
        if config.get(key) != value
    ]
    if wrong:
        raise InvalidInput(
            f"the previous round's adapter {where} does not fit this job's settings: {'; '.join(wrong)}",
            remedy="Keep rank, alpha and projector the same in all rounds, or set train.start_from to 'base'.",
            code="adapter_mismatch",
        )
