import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from services.trainer.targets import check_layers, check_previous, chosen_layers
from shared.errors import InvalidInput
from shared.job_settings import TrainSettings
from shared.lora_layers import LoraLayers

LAYERS = LoraLayers("vision", ("language.0.q", "language.0.v"), ("between.linear",), ())
FROZEN = TrainSettings(projector="frozen")


def adapter(folder: Path, *layers: str) -> Path:
    config = {"r": 128, "lora_alpha": 256, "target_modules": "said otherwise"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    keys = (f"base_model.model.{layer}.lora_{half}.weight" for layer in layers for half in "AB")
    save_file({key: np.zeros((1, 1), np.float32) for key in keys}, folder / "adapter_model.safetensors")
    return folder


def test_a_frozen_projector_gets_no_lora() -> None:
    assert chosen_layers(LAYERS, TrainSettings(), "base") == ("language.0.q", "language.0.v", "between.linear")
    assert chosen_layers(LAYERS, FROZEN, "base") == ("language.0.q", "language.0.v")


def test_a_base_without_layers_to_train_is_refused_by_what_is_missing() -> None:
    bare = LoraLayers("vision", ("language.0.q",), (), ("experts",))
    assert chosen_layers(bare, FROZEN, "base") == ("language.0.q",)
    with pytest.raises(InvalidInput, match="'base' has no linear layers to train in its projector") as error:
        chosen_layers(bare, TrainSettings(), "base")
    assert "'frozen'" in error.value.remedy


@pytest.mark.parametrize("change", [{"lora_rank": 4}, {"lora_alpha": 1}])
def test_an_adapter_of_other_settings_is_refused_by_name(tmp_path: Path, change: dict[str, int]) -> None:
    settings = TrainSettings()
    previous = adapter(tmp_path, *LAYERS.language)
    check_previous(previous, settings, "adapters/x")
    with pytest.raises(InvalidInput, match=f"adapters/x .*train.{next(iter(change))}"):
        check_previous(previous, settings.model_copy(update=change), "adapters/x")


def test_an_adapter_whose_layers_another_release_named_otherwise_is_trained_on(tmp_path: Path) -> None:
    check_layers(adapter(tmp_path, *LAYERS.language, *LAYERS.projector), chosen_layers(LAYERS, TrainSettings(), "base"))


def test_an_adapter_that_trains_more_or_fewer_layers_is_refused(tmp_path: Path) -> None:
    more = adapter(tmp_path, *LAYERS.language, *LAYERS.projector)
    with pytest.raises(InvalidInput, match=r"1 differ, such as between\.linear, which the adapter trains"):
        check_layers(more, chosen_layers(LAYERS, FROZEN, "base"))
    fewer = adapter(tmp_path, *LAYERS.language)
    with pytest.raises(InvalidInput, match=r"between\.linear, which this job trains; train\.projector"):
        check_layers(fewer, chosen_layers(LAYERS, TrainSettings(), "base"))
