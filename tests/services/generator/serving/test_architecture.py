"""What is derived from a model's config, for the shapes of four published families."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import BertConfig, PreTrainedConfig

from services.generator.serving.architecture import read_architecture
from services.generator.serving.names import served_names
from shared.errors import InvalidInput
from tests.services.generator.serving import models

_LAYERS = [
    f"language_model.model.layers.{layer}.{module}"
    for layer in (0, 1)
    for module in ("self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj")
]
_MERGERS = [
    f"visual.{merger}.linear_fc{number}" for merger in ("merger", "deepstack_merger_list.0") for number in (1, 2)
]
_PROJECTOR = ["multi_modal_projector.linear_1", "multi_modal_projector.linear_2"]


@pytest.mark.parametrize(
    ("config", "positions", "head_size", "projector", "hidden", "videos"),
    [
        (models.llava, 4096, 32, _PROJECTOR, {"model.vision_tower": "vision_model"}, False),
        (models.llava_next, 32768, 32, _PROJECTOR, {"model.vision_tower": "vision_model"}, False),
        (models.qwen2_5_vl, 128000, 32, ["visual.merger.mlp.0", "visual.merger.mlp.2"], {}, True),
        (models.qwen3_vl, 262144, 128, _MERGERS, {}, True),
    ],
    ids=["llava", "llava_next", "qwen2_5_vl", "qwen3_vl"],
)
def test_lengths_heads_and_layers_come_from_the_config(
    config: Callable[[], PreTrainedConfig],
    positions: int,
    head_size: int,
    projector: list[str],
    hidden: dict[str, str],
    videos: bool,
    tmp_path: Path,
) -> None:
    model = read_architecture(models.written(config(), tmp_path))
    assert (model.positions, model.head_size, model.takes_videos) == (positions, head_size, videos)
    assert served_names([*model.language, *model.projector]) == [*_LAYERS, *projector]
    assert model.hidden_prefixes == hidden


def test_a_model_that_vllm_does_not_arrange_anew_keeps_its_names(tmp_path: Path) -> None:
    model = read_architecture(models.written(models.idefics3(), tmp_path))
    assert served_names([*model.language, *model.projector]) == [
        *(name.replace("language_model.model", "model.text_model") for name in _LAYERS),
        "model.connector.modality_projection.proj",
    ]


def test_layers_know_their_outputs_and_inputs(tmp_path: Path) -> None:
    model = read_architecture(models.written(models.llava(), tmp_path))
    assert model.language["model.language_model.layers.1.mlp.gate_proj"] == (96, 64)
    assert model.projector["model.multi_modal_projector.linear_1"] == (64, 32)


@pytest.mark.parametrize("text", ["{", "[]", '{"model_type": "no-such"}', "{}"])
def test_a_config_that_means_nothing_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"config\.json"):
        read_architecture(tmp_path)


def test_a_model_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Unrecognized configuration class"):
        read_architecture(models.written(BertConfig(), tmp_path))
