"""Real vLLM serves adapters of other families than the demo's: what it answers is held against what peft computes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from services.generator.chat import Engine
from services.generator.serving.architecture import read_architecture
from services.trainer.tuning.lora import layers_of, sketched
from shared.lora_layers import pattern_of
from shared.weight_names import published_name
from tests import families
from tests.models import lora_targets
from tests.services.generator.proof.scene import ask_guarded, context, publish_probed
from tests.vllm_server import KEY, running_vllm

pytestmark = pytest.mark.long


@pytest.mark.parametrize("make", [families.tiny_llava_next, families.tiny_qwen2_5_vl, families.tiny_qwen3_vl])
def test_an_adapter_of_another_family_passes_the_gate(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """Also one that changes the projector only: all of it must be served."""
    model = published(make(tmp_path / "model"))
    sketch = sketched(model)
    between = pattern_of(layers_of(sketch).projector, (name for name, _ in sketch.named_modules()))
    with running_vllm(tmp_path, model, max_lora_rank=8, max_images=1) as server:
        for name, targets in (("whole-r1", lora_targets(model)), ("between-r1", between)):
            publish_probed(model, server.store, name, targets=targets, std=0.3)
            ask_guarded(context(server.store, name), Engine(server.url, key=KEY))


def published(model: Path) -> Path:
    """The checkpoint with its weights named as published ones are, which vLLM wants."""
    hidden = read_architecture(model).hidden_prefixes
    weights = load_file(model / "model.safetensors")
    save_file({published_name(name, hidden): weight for name, weight in weights.items()}, model / "model.safetensors")
    return model
