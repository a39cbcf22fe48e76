"""Real vLLM under the gate and the probe of liveness: an ignored adapter is found out, and an engine that hangs."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from services.generator.chat import Engine
from services.generator.liveness import read, watch
from shared.errors import SystemFault
from tests.eventually import eventually
from tests.models import lora_targets
from tests.otlp import Collector
from tests.services.generator.engine.serving import LANGUAGE, ask, asking, picture, point
from tests.services.generator.proof.scene import answering_as, ask_guarded, context, publish_probed
from tests.vllm_server import KEY, Vllm, running_vllm

_PARTS = ("self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj")
_PROJECTOR = r".*multi_modal_projector\.linear_[12]"


@pytest.fixture(scope="module")
def adapters(vllm: Vllm) -> None:
    for seed, name in enumerate(("proven-r1", "other-r1")):
        publish_probed(vllm.model, vllm.store, name, targets=lora_targets(vllm.model), std=0.3, seed=seed)


def test_an_adapter_that_vllm_serves_passes_the_gate(vllm: Vllm, adapters: None) -> None:
    ask_guarded(context(vllm.store, "proven-r1"), Engine(vllm.url, key=KEY))


@pytest.mark.parametrize(("served", "code"), [("base", "adapter_has_no_effect"), ("other-r1", "adapter_disagrees")])
def test_whatever_else_vllm_answers_with_does_not(vllm: Vllm, adapters: None, served: str, code: str) -> None:
    with (
        vllm.client() as client,
        answering_as(client, {"proven-r1": served}) as url,
        pytest.raises(SystemFault) as error,
    ):
        ask_guarded(context(vllm.store, "proven-r1"), Engine(url))
    assert error.value.code == code


def test_an_adapter_that_vllm_loads_and_that_changes_nothing_does_not(vllm: Vllm) -> None:
    """The trainer saw an effect, the hash is right, every answer is 200, and the base is what answers."""
    publish_probed(vllm.model, vllm.store, "idle-r1", targets=lora_targets(vllm.model), std=0.3)
    file = vllm.store / "jobs/j/idle-r1/adapter_model.safetensors"
    save_file({key: torch.zeros_like(weights) for key, weights in load_file(file).items()}, file)
    point(vllm.store, "idle-r1", "jobs/j/idle-r1")
    assert fault(vllm, "idle-r1") == "adapter_has_no_effect"


@pytest.mark.long
def test_what_vllm_ignores_of_an_adapter_is_found_out(tmp_path: Path) -> None:
    """Started for the language model's layers only, it takes an adapter of the projector, answers 200, and ignores it:
    its own way, which our launcher's options avoid."""
    only = [f"language_model.model.layers.{k}.{part}" for k in range(4) for part in _PARTS]
    extra = json.dumps(["--lora-target-modules", *only])
    with running_vllm(tmp_path, max_lora_rank=8, max_images=1, extra=extra) as server:
        for name, targets in (("language-r1", LANGUAGE), ("projector-r1", _PROJECTOR)):
            publish_probed(server.model, server.store, name, targets=targets, std=0.3)
        ask_guarded(context(server.store, "language-r1"), Engine(server.url, key=KEY))
        assert fault(server, "projector-r1") == "adapter_has_no_effect"


def fault(server: Vllm, adapter: str) -> str:
    """Why the gate does not let a step ask for it."""
    with pytest.raises(SystemFault) as error:
        ask_guarded(context(server.store, adapter), Engine(server.url, key=KEY))
    return error.value.code


def test_an_engine_that_hangs_is_not_alive_whatever_health_says(vllm: Vllm) -> None:
    core = vllm.core()
    with vllm.client() as client, ThreadPoolExecutor(1) as pool:
        assert watch(vllm.url, deadline_s=5) is None
        core.send_signal(signal.SIGSTOP)
        try:
            answer = pool.submit(ask, client, asking(picture(0), temperature=0))
            eventually(lambda: bool((seen := read(client, vllm.url)) and seen.open_requests))
            assert client.get("/health").status_code == 200
            assert "computed nothing for" in str(watch(vllm.url, deadline_s=3))
        finally:
            core.send_signal(signal.SIGCONT)
        assert answer.result().status_code == 200
        assert watch(vllm.url, deadline_s=20) is None


def test_a_span_of_vllms_own_belongs_to_the_trace_that_the_request_names(vllm: Vllm, vllm_spans: Collector) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with vllm.client() as client:
        client.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
        assert ask(client, asking(picture(0), temperature=0)).status_code == 200
    eventually(lambda: [span for span in vllm_spans.spans if (span.trace, span.parent) == (trace, "b7ad6b7169203331")])
