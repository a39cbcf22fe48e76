"""What the generation bench has vLLM serve on machines that are not at hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoProcessor

from bench.generation import figures_of, launched
from bench.shapes.llava import IMAGE_TOKEN, SMALL
from bench.shapes.machine import Machine
from bench.shapes.saved import saved_shape
from services.generator.engine.prompt import PromptReader
from services.generator.serving.architecture import read_architecture
from services.generator.serving.checkpoint import check_files, check_weight_names
from tests.services.generator.engine.serving import messages, picture

GPU = Machine("cuda", "a GPU", 80.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    slim = replace(SMALL, width=64, inner=96, layers=2, heads=2, words=2048, vision_layers=2)
    return saved_shape(slim, tmp_path_factory.mktemp("model"))


def test_a_saved_shape_is_a_checkpoint_that_the_launcher_takes(model: Path) -> None:
    check_files(model)
    check_weight_names(model, read_architecture(model).hidden_prefixes)
    prompt = PromptReader(AutoProcessor.from_pretrained(model), 10**6).read(messages(picture(0)))
    assert list(prompt.ids).count(IMAGE_TOKEN) == 576


def test_its_answers_end_as_often_whatever_its_vocabulary(model: Path) -> None:
    ends = json.loads((model / "generation_config.json").read_text())["eos_token_id"]
    assert (len(ends), max(ends) < 2048) == (1 + 48, True)


def test_a_gpu_computes_in_bfloat16_and_two_replicas_share_its_memory(model: Path) -> None:
    made = launched(GPU, model).arguments
    assert made[made.index("--dtype") + 1] == "bfloat16"
    assert made[made.index("--gpu-memory-utilization") + 1] == "0.9"
    assert 2 * GPU.settings(replicas=2)["memory_share"] < 1
    assert GPU.why_not_two is None


def test_where_two_replicas_have_no_room_the_results_say_so() -> None:
    small = replace(GPU, memory_gib=24.0)
    ways = {way: [{"seconds": 2.0, "prefix_hit_rate": 0.5}] for way in ("step", "offline", "reference")}
    assert "24" in str(figures_of(ways, 8, small.why_not_two)["two_replicas_left_out"])
