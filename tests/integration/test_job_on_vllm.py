"""A small job of one round whose steps are answered by real vLLM: what the trainer makes is what the server serves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfsynth.client import Client
from selfsynth.demo.settings import JOB
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.stack import SERVICES, Stack, StackOptions
from shared.types.records import Prediction
from tests.vllm_server import KEY, Vllm

# Few images, few questions, a rank that the server takes; a rate high enough for so few steps to change answers.
SETTINGS: dict[str, Any] = JOB | {
    "describe": JOB["describe"] | {"instructions": 1, "samples": 1},
    "synthesise": JOB["synthesise"] | {"questions": 2},
    "train": JOB["train"] | {"lora_rank": 8, "lora_alpha": 16, "epochs": 4},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_dataset(folder, 5, {"train": 3, "validation": 1, "test": 2})
    return folder


@pytest.fixture(scope="module")
def client(vllm: Vllm, world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A stack whose engine is the run's vLLM, on vLLM's own store."""
    services = [name for name in SERVICES if name != "engine"]
    engine = {"SELFSYNTH_ENGINE_URL": vllm.url, "SELFSYNTH_ENGINE_KEY": KEY}
    options = StackOptions(
        model_name="base", model_path=vllm.model, store_url=vllm.store.as_uri(), import_roots=(world,), threads=1
    )
    folder = tmp_path_factory.mktemp("stack")
    with (
        Stack(folder, options, services=services, env={"api": engine, "generator": engine}) as stack,
        Client(stack.url, stack.api_key) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def job(client: Client, world: Path) -> dict[str, Any]:
    dataset = client.wait_dataset(client.add_dataset(world, "birds")["id"])
    started = client.start_job(dataset=dataset["id"], model="base", rounds=1, settings=SETTINGS, seed=1)
    return client.wait(started["id"])


def test_the_job_succeeds(job: dict[str, Any]) -> None:
    assert job["status"] == "succeeded", job["error"]
    assert [entry["round"] for entry in job["rounds"]] == [0, 1]


def test_the_rounds_adapter_was_served_by_its_name(job: dict[str, Any], vllm: Vllm) -> None:
    with vllm.client() as http:
        names = [entry["id"] for entry in http.get("/v1/models").json()["data"]]
    assert f"{job['id']}-r1" in names


def test_the_trained_model_answers_otherwise_than_the_base(job: dict[str, Any], client: Client) -> None:
    before, after = (_answers(client, job["id"], round_) for round_ in (0, 1))
    assert before.keys() == after.keys()
    changed = sum(before[id_] != after[id_] for id_ in before)
    assert changed > len(before) / 4, "the adapter was not applied"


def _answers(client: Client, job_id: str, round_: int) -> dict[str, str]:
    rows = (Prediction.model_validate(row) for row in client.download_artefact(job_id, round_, "evaluate"))
    return {row.example_id: row.answer for row in rows}
