"""Real vLLM loads a merged model of the demo's base, and says what base + adapter says. An engine of its own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.trainer.export.merge import write_merged
from services.trainer.export.plan import MergePlan
from tests.services.generator.engine.serving import picture
from tests.services.generator.serving.test_real_vllm import by_peft, greedy, logprobs
from tests.services.trainer.export.scene import random_adapter
from tests.vllm_server import DEMO_BASE, PYTHON, running_vllm

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
_QUESTIONS = ("Describe this bird.", "What bird is this? Tell what shows it.")


def merged(folder: Path, adapter: Path) -> Path:
    plan = MergePlan(folder=folder, model_path=DEMO_BASE, adapter=adapter, images=folder, dtype="float32")
    write_merged(plan)
    return plan.merged


@pytest.mark.skipif(not PYTHON.exists(), reason="vLLM is not installed; run tools/install_vllm.sh")
def test_vllm_loads_it_and_answers_as_base_and_adapter_do(tmp_path: Path) -> None:
    adapter = random_adapter(DEMO_BASE, tmp_path / "adapter", seed=1, std=0.2)
    base: Any = AutoModelForImageTextToText.from_pretrained(DEMO_BASE, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(DEMO_BASE)
    alone = by_peft(base, processor, picture(0), _QUESTIONS[0])
    expected = PeftModel.from_pretrained(base, adapter).eval()
    (tmp_path / "vllm").mkdir()
    with running_vllm(tmp_path / "vllm", merged(tmp_path, adapter)) as server, server.client() as client:
        for number, text in enumerate(_QUESTIONS):
            prompt, answer, own = by_peft(expected, processor, picture(number), text)
            served = greedy(client, "base", picture(number), text)
            assert served["prompt_token_ids"] == prompt
            assert served["choices"][0]["token_ids"] == answer
            assert logprobs(served) == pytest.approx(own, abs=1e-3)
    assert by_peft(expected, processor, picture(0), _QUESTIONS[0])[1:] != alone[1:]
