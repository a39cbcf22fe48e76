"""A small real stack that is watched: one trace from the request to the engine, and figures of what truly happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from selfsynth import Client
from selfsynth.stack import Stack, StackOptions
from tests.eventually import eventually
from tests.exposition import samples
from tests.otlp import Collector
from tests.ports import free_port

SERVICES = ("api", "data", "engine", "generator")
CONCEPTS = {"red": ["it is red", "it is warm"], "blue": ["it is blue", "it is cold"]}
HELD_OUT = 4


@dataclass
class Watched:
    collector: Collector
    stack: Stack
    job: dict[str, Any]
    worker: str

    def figures(self, url: str) -> dict[str, float]:
        return samples(httpx.get(f"{url}/metrics").text)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for split in ("train", "test"):
        for number, colour in ((n, c) for n in range(HELD_OUT // 2) for c in CONCEPTS):
            (folder / split / colour).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32 + number + 8 * (split == "test")), colour).save(
                folder / split / colour / f"{number}.png"
            )
    return folder


@pytest.fixture(scope="module")
def watched(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Once the base model was measured: the first step of every job. The rest of the job waits for workers that do not
    run."""
    port = free_port()
    with Collector() as collector:
        env = {name: {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url} for name in SERVICES}
        env["generator"]["SELFSYNTH_METRICS_PORT"] = str(port)
        options = StackOptions(import_roots=(images,), threads=1)
        with Stack(tmp_path_factory.mktemp("stack"), options, services=SERVICES, env=env) as stack:
            with Client(stack.url, stack.api_key) as client:
                dataset = client.wait_dataset(client.add_dataset(images, "colours", CONCEPTS)["id"])
                settings = {"evaluate": {"max_tokens": 4}, "describe": {"instructions": 1, "samples": 1}}
                job = client.start_job(dataset["id"], stack.record.model, rounds=1, settings=settings)
                eventually(lambda: client.job(job["id"])["position"] == {"round": 1, "step": "select_concepts"})
            yield Watched(collector, stack, job, f"http://127.0.0.1:{port}")


def test_one_trace_goes_from_the_request_through_the_message_and_the_step_to_the_engine(watched: Watched) -> None:
    """The engine's own span is the last to come: spans are sent in batches, every few seconds."""
    collector = watched.collector
    eventually(lambda: collector.named("POST /v1/chat/completions") and collector.named("POST /jobs"))
    [posted] = collector.named("POST /jobs")
    answered = [span for span in collector.named("POST /v1/chat/completions") if span.trace == posted.trace]
    line = [(span.service, span.name) for span in collector.line_of(answered[0])]
    assert line == [
        ("selfsynth-engine", "POST /v1/chat/completions"),
        ("selfsynth-generation", "engine request"),
        ("selfsynth-generation", "step evaluate"),
        ("selfsynth-api", "send evaluate"),
        ("selfsynth-api", "POST /jobs"),
    ]


def test_what_workers_say_all_the_time_makes_no_spans(watched: Watched) -> None:
    names = {span.name for span in watched.collector.spans}
    assert not [name for name in names if "internal" in name or "health" in name or "metrics" in name]


def test_the_worker_tells_what_its_children_did(watched: Watched) -> None:
    now = watched.figures(watched.worker)
    assert now['selfsynth_worker_messages_total{outcome="succeeded",step="evaluate"}'] == 1
    assert now['selfsynth_generation_requests_total{outcome="answered",step="evaluate"}'] == HELD_OUT
    assert now['selfsynth_generation_tokens_total{kind="completion",step="evaluate"}'] > 0
    assert httpx.get(f"{watched.worker}/healthz").status_code == 200


def test_coordinator_worker_and_engine_agree(watched: Watched) -> None:
    api, engine = (watched.figures(url) for url in (watched.stack.url, watched.stack.record.engine_url))
    worker = watched.figures(watched.worker)
    assert api['selfsynth_attempts_total{outcome="succeeded",step="evaluate"}'] == 1
    assert api['selfsynth_attempts_total{outcome="succeeded",step="describe"}'] == 1
    assert api['selfsynth_workers{queue="generation",state="idle"}'] == 1
    told = sum(
        worker[f'selfsynth_generation_tokens_total{{kind="completion",step="{s}"}}'] for s in ("evaluate", "describe")
    )
    assert engine["selfsynth_engine_generated_tokens_total"] == told
