"""Which layers get LoRA, on sketches of published families' shapes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, PreTrainedConfig, Qwen3VLMoeConfig, VideoLlavaConfig

from shared.errors import InvalidInput
from shared.lora_layers import LoraLayers, lora_layers, pattern_of
from tests.services.generator.serving import models


def is_linear(module: Any) -> bool:
    return isinstance(module, torch.nn.Linear)


def sketch(config: PreTrainedConfig) -> Any:
    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


def layers(config: PreTrainedConfig) -> LoraLayers:
    return lora_layers(sketch(config), is_linear)


LINEAR = [f"model.multi_modal_projector.linear_{number}" for number in (1, 2)]
MERGERS = [f"model.visual.{merger}.linear_fc{n}" for merger in ("merger", "deepstack_merger_list.0") for n in (1, 2)]


@pytest.mark.parametrize(
    ("config", "tower", "projector"),
    [
        (models.llava, "model.vision_tower", LINEAR),
        (models.llava_next, "model.vision_tower", LINEAR),
        (models.qwen2_5_vl, "model.visual", ["model.visual.merger.mlp.0", "model.visual.merger.mlp.2"]),
        (models.qwen3_vl, "model.visual", MERGERS),
    ],
    ids=["llava", "llava_next", "qwen2_5_vl", "qwen3_vl"],
)
def test_the_vision_tower_never_gets_lora_but_its_end_does_where_that_is_the_projector(
    config: Callable[[], PreTrainedConfig], tower: str, projector: list[str]
) -> None:
    found = layers(config())
    assert (found.tower, list(found.projector), found.untrained) == (tower, projector, ())
    assert len(found.language) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in found.language)


def test_a_tower_as_wide_as_the_language_model_is_no_projector() -> None:
    config = models.qwen2_5_vl()
    config.vision_config.hidden_size = 64
    assert layers(config).projector == ("model.visual.merger.mlp.0", "model.visual.merger.mlp.2")


def test_a_second_tower_is_no_projector() -> None:
    found = layers(VideoLlavaConfig())
    assert found.tower == "model.image_tower"
    assert list(found.projector) == LINEAR


def test_weights_that_can_get_no_lora_are_told() -> None:
    found = layers(Qwen3VLMoeConfig())
    assert found.untrained == (
        "model.language_model.layers.*.mlp.experts",
        "model.language_model.layers.*.mlp.gate",
    )
    assert {name.rpartition(".")[2] for name in found.language} == {"q_proj", "k_proj", "v_proj", "o_proj"}


def test_a_model_that_does_not_say_what_sees_images_is_refused() -> None:
    with pytest.raises(InvalidInput, match="LlamaModel does not say which of its modules sees images"):
        lora_layers(sketch(models.llava()).model.language_model, is_linear)


@pytest.mark.parametrize("config", [models.llava, models.qwen2_5_vl, models.qwen3_vl])
def test_the_pattern_matches_the_layers_and_no_other_module(config: Callable[[], PreTrainedConfig]) -> None:
    model = sketch(config())
    found = lora_layers(model, is_linear)
    names = [name for name, _ in model.named_modules()]
    pattern = pattern_of((*found.language, *found.projector), names)
    assert {name for name in names if re.fullmatch(pattern, name)} == {*found.language, *found.projector}


def test_the_pattern_is_as_short_for_many_layers_as_for_one() -> None:
    names = [f"model.layers.{number}.q_proj" for number in range(80)]
    assert pattern_of(names, [*names, "model.layers.0"]) == r"model\.layers\.\d+\.q_proj"
    # A number that another module has too stays closed.
    assert pattern_of(["mlp.0", "mlp.2"], ["mlp", "mlp.0", "mlp.1", "mlp.2"]) == r"mlp\.0|mlp\.2"
