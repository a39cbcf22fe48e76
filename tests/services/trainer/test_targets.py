import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from services.trainer.targets import check_previous, target_pattern
from shared.errors import InvalidInput
from shared.job_settings import TrainSettings


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("model.language_model.layers.0.self_attn.q_proj", True),
        ("language_model.model.layers.31.mlp.down_proj", True),
        ("model.multi_modal_projector.linear_1", True),
        ("model.vision_tower.encoder.layers.0.self_attn.q_proj", False),
        ("model.vision_tower.vision_model.encoder.layers.0.mlp.fc1", False),
        ("lm_head", False),
    ],
)
def test_the_vision_tower_never_gets_lora(name: str, matches: bool) -> None:
    assert bool(re.fullmatch(target_pattern(TrainSettings()), name)) is matches


def test_a_frozen_projector_gets_no_lora() -> None:
    pattern = target_pattern(TrainSettings(projector="frozen"))
    assert not re.fullmatch(pattern, "model.multi_modal_projector.linear_1")


def adapter(folder: Path, pattern: str, *layers: str) -> Path:
    config = {"r": 128, "lora_alpha": 256, "target_modules": pattern}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    keys = (f"base_model.model.model.{layer}.lora_{half}.weight" for layer in layers for half in "AB")
    save_file({key: np.zeros((1, 1), np.float32) for key in keys}, folder / "adapter_model.safetensors")
    return folder


_LANGUAGE_LAYER, _PROJECTOR_LAYER = "language_model.layers.0.self_attn.q_proj", "multi_modal_projector.linear_1"


@pytest.mark.parametrize("change", [{"lora_rank": 4}, {"lora_alpha": 1}, {"projector": "frozen"}])
def test_an_adapter_of_other_settings_is_refused_by_name(tmp_path: Path, change: dict[str, Any]) -> None:
    settings = TrainSettings()
    previous = adapter(tmp_path, target_pattern(settings), _LANGUAGE_LAYER, _PROJECTOR_LAYER)
    check_previous(previous, settings, "adapters/x")
    with pytest.raises(InvalidInput, match=f"adapters/x .*train.{next(iter(change))}"):
        check_previous(previous, settings.model_copy(update=change), "adapters/x")


def test_an_adapter_whose_layers_another_release_named_otherwise_is_trained_on(tmp_path: Path) -> None:
    check_previous(adapter(tmp_path, ".*_proj|.*linear.", _LANGUAGE_LAYER, _PROJECTOR_LAYER), TrainSettings(), "x")
    frozen = TrainSettings(projector="frozen")
    check_previous(adapter(tmp_path, ".*_proj", _LANGUAGE_LAYER), frozen, "x")
