"""Settings in, vLLM's command line out."""

from pathlib import Path
from typing import Any

import pytest

from services.generator.serving.architecture import Architecture
from services.generator.serving.arguments import Command, Device, command
from services.generator.serving.checks import check
from services.generator.serving.settings import ServingSettings
from shared.errors import InvalidInput

CPU = Device("cpu", (32, 64, 128))
CUDA = Device("cuda")
MODEL = Architecture(
    positions=4096,
    head_size=32,
    language={
        "model.language_model.layers.0.self_attn.q_proj": (64, 64),
        "model.language_model.layers.0.mlp.up_proj": (96, 64),
    },
    projector={"model.multi_modal_projector.linear_1": (64, 32)},
    hidden_prefixes={},
)


def settings(**chosen: Any) -> ServingSettings:
    named = {f"engine_{name}": value for name, value in chosen.items()}
    return ServingSettings(**{"engine_model": Path("/m"), "engine_name": "base", "store_url": "file:///s", **named})


def value(made: Command, option: str) -> str:
    return made.arguments[made.arguments.index(option) + 1]


def test_layers_are_named_in_full_so_that_the_vision_tower_is_left_alone() -> None:
    made = command(settings(), MODEL, CUDA)
    names = made.arguments[made.arguments.index("--lora-target-modules") + 1 :][:3]
    assert names == (
        "language_model.model.layers.0.self_attn.qkv_proj",
        "language_model.model.layers.0.mlp.gate_up_proj",
        "multi_modal_projector.linear_1",
    )
    assert "--enable-tower-connector-lora" in made.arguments


def test_a_model_whose_projector_gets_no_adapters_needs_no_connector() -> None:
    bare = Architecture(4096, 32, MODEL.language, {}, {})
    assert "--enable-tower-connector-lora" not in command(settings(), bare, CUDA).arguments


@pytest.mark.parametrize(("positions", "asked", "length"), [(4096, None, 4096), (131072, None, 8192), (4096, 512, 512)])
def test_the_length_is_the_models_unless_that_is_very_long_or_another_is_asked_for(
    positions: int, asked: int | None, length: int
) -> None:
    model = Architecture(positions, 32, MODEL.language, {}, {})
    assert value(command(settings(max_length=asked), model, CUDA), "--max-model-len") == str(length)


def test_a_cpu_reads_prompts_whole_and_has_room_for_the_longest() -> None:
    made = command(settings(max_length=None), Architecture(6000, 32, MODEL.language, {}, {}), CPU)
    assert "--no-enable-chunked-prefill" in made.arguments
    assert value(made, "--max-num-batched-tokens") == "6000"
    assert made.environment["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert value(made, "--dtype") == "float32"
    assert "--gpu-memory-utilization" not in made.arguments


def test_a_gpu_gets_its_share_and_its_parallelism() -> None:
    made = command(settings(memory_share=0.5, tensor_parallel=2, sleep=True), MODEL, CUDA)
    assert value(made, "--gpu-memory-utilization") == "0.5"
    assert value(made, "--dtype") == "auto"
    assert value(made, "--tensor-parallel-size") == "2"
    assert "--enable-sleep-mode" in made.arguments
    assert made.environment["VLLM_SERVER_DEV_MODE"] == "1"
    assert "VLLM_CPU_KVCACHE_SPACE" not in made.environment


@pytest.mark.parametrize(("rank", "built"), [(1, "1"), (4, "8"), (32, "32"), (100, "128"), (512, "512")])
def test_the_rank_is_the_least_that_vllm_is_built_for(rank: int, built: str) -> None:
    assert value(command(settings(max_lora_rank=rank), MODEL, CUDA), "--max-lora-rank") == built


def test_more_adapters_on_the_device_than_in_memory_make_no_sense_to_vllm_and_are_mended() -> None:
    made = command(settings(max_adapters=2, adapter_slots=6), MODEL, CUDA)
    assert (value(made, "--max-loras"), value(made, "--max-cpu-loras")) == ("6", "6")


def test_the_key_is_in_no_argument_and_hidden_when_shown() -> None:
    made = command(settings(key="hush"), MODEL, CPU)
    assert made.environment["VLLM_API_KEY"] == "hush"
    assert "hush" not in " ".join(made.arguments)
    assert "hush" not in str(made)
    assert "VLLM_API_KEY='***'" in str(made)


def test_what_the_operator_adds_comes_last_and_so_wins() -> None:
    made = command(settings(extra=("--max-num-seqs", "7"), otlp="http://collector:4317"), MODEL, CUDA)
    assert made.arguments[-2:] == ("--max-num-seqs", "7")
    assert value(made, "--otlp-traces-endpoint") == "http://collector:4317"
    assert "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" not in made.environment


def test_spans_go_where_all_services_send_theirs_unless_told_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    made = command(settings(), MODEL, CUDA)
    assert value(made, "--otlp-traces-endpoint") == "http://collector:4318/v1/traces"
    assert made.environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "http/protobuf"


def test_images_are_limited_and_videos_where_the_model_takes_them() -> None:
    takes_videos = Architecture(4096, 32, MODEL.language, {}, {}, takes_videos=True)
    assert value(command(settings(max_images=3), MODEL, CPU), "--limit-mm-per-prompt") == '{"image": 3}'
    assert value(command(settings(), takes_videos, CPU), "--limit-mm-per-prompt") == '{"image": 1, "video": 0}'


@pytest.mark.parametrize(
    ("chosen", "model", "device", "why"),
    [
        ({"max_length": 5000}, MODEL, CUDA, "length 5000"),
        ({"max_lora_rank": 1024}, MODEL, CUDA, "rank 1024"),
        ({}, Architecture(4096, 16, MODEL.language, {}, {}), CPU, "size 16"),
        ({}, Architecture(4096, 32, {}, {}, {}), CUDA, "language model"),
    ],
)
def test_what_cannot_be_served_is_said_before_the_start(
    chosen: dict[str, Any], model: Architecture, device: Device, why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        check(settings(**chosen), model, device)


def test_the_paths_of_sleep_are_opened_only_where_they_are_asked_for() -> None:
    made = command(settings(), MODEL, CUDA)
    assert "--enable-sleep-mode" not in made.arguments
    assert "VLLM_SERVER_DEV_MODE" not in made.environment


def test_an_engine_on_a_cpu_cannot_sleep() -> None:
    with pytest.raises(InvalidInput, match="cannot sleep"):
        command(settings(sleep=True), MODEL, CPU)
