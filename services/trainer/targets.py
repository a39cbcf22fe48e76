"""Which layers a job trains, and whether a previous adapter fits. Pure: no torch, so the step can compare adapters."""

import json
from pathlib import Path

from shared.errors import InvalidInput
from shared.job_settings import TrainSettings
from shared.lora_layers import LANGUAGE, PROJECTOR


def target_pattern(settings: TrainSettings) -> str:
    """A regular expression that fully matches the names of the linear layers to train."""
    return f"{LANGUAGE}|{PROJECTOR}" if settings.projector == "lora" else LANGUAGE


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
