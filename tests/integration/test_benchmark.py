"""A job whose base and tuned model are benchmarked by the real lmms-eval, on a task of our own, on real services."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx
import pytest

from selfsynth.client import Client
from selfsynth.demo.settings import JOB
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.stack import Stack, StackOptions
from tests.services.generator.benchmark.tasks import MOST_TOKENS, QUESTION, installed, task_folder

LIMIT = 8
# Few images and questions, but a rate high enough for so few steps to change answers.
SETTINGS: dict[str, Any] = JOB | {
    "describe": JOB["describe"] | {"instructions": 1, "samples": 1},
    "synthesise": JOB["synthesise"] | {"questions": 2},
    "train": JOB["train"] | {"lora_rank": 8, "lora_alpha": 16, "epochs": 4},
    "benchmark": {"tasks": ["own_pictures"], "limit": LIMIT},
}


@dataclass
class Done:
    stack: Stack
    client: Client
    job: dict[str, Any]
    pictures: list[bytes]

    def answers(self, model: str) -> list[str]:
        """To the task's questions, when the engine is asked with no lmms-eval between."""
        return [self._answer(model, picture) for picture in self.pictures[:LIMIT]]

    def _answer(self, model: str, picture: bytes) -> str:
        record = self.stack.record
        image = {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{base64.b64encode(picture).decode()}"},
        }
        body = {
            "model": model, "max_tokens": MOST_TOKENS, "temperature": 0,
            "messages": [{"role": "user", "content": [image, {"type": "text", "text": QUESTION}]}],
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {record.keys.engine}"}
        answer = httpx.post(f"{record.engine_url}/v1/chat/completions", json=body, headers=headers, timeout=60)
        return str(answer.json()["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_dataset(folder, 5, {"train": 3, "validation": 1, "test": 1})
    return folder


@pytest.fixture(scope="module")
def done(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    installed()
    pictures = [file.read_bytes() for file in sorted(world.rglob("*.png"))[: LIMIT + 2]]
    tasks = task_folder(tmp_path_factory.mktemp("tasks") / "own", pictures)
    options = StackOptions(
        import_roots=(world,), threads=1, benchmark_tasks=("own_pictures",), benchmark_folders=(tasks,)
    )
    with Stack(tmp_path_factory.mktemp("stack"), options) as stack, Client(stack.url, stack.api_key) as client:
        dataset = client.wait_dataset(client.add_dataset(world, "birds")["id"])
        job = client.start_job(dataset=dataset["id"], model="tiny-birds", rounds=1, settings=SETTINGS, seed=1)
        yield Done(stack, client, client.wait(job["id"]), pictures)


@pytest.mark.parametrize("round_", [0, 1])
def test_the_scores_are_those_of_the_models_own_answers(done: Done, round_: int) -> None:
    assert done.job["status"] == "succeeded", done.job["error"]
    own = done.answers(done.job["rounds"][round_]["adapter"] or "tiny-birds")
    figures = done.job["rounds"][round_]["figures"]["benchmark"]
    assert figures["own_pictures/words"] == pytest.approx(fmean(len(text.split()) for text in own))
    rows = done.client.download_artefact(done.job["id"], round_, "benchmark")
    assert [row["answers"] for row in sorted(rows, key=lambda row: int(row["sample"]))] == [[text] for text in own]


def test_the_change_against_the_base_is_reported(done: Done) -> None:
    adapter = done.job["rounds"][1]["adapter"]
    base, tuned = done.answers("tiny-birds"), done.answers(adapter)
    assert base != tuned
    [words] = [
        each for each in done.client.report(done.job["id"])["rounds"][1]["benchmark"] if each["metric"] == "words"
    ]
    change = fmean(len(text.split()) for text in tuned) - fmean(len(text.split()) for text in base)
    assert (words["change"], words["paired"], words["samples"]) == (pytest.approx(change), True, LIMIT)
    told = [
        event["message"] for event in done.client.events(done.job["id"]) if "own_pictures words" in event["message"]
    ]
    assert f"{change:+.3f}" in told[0]
    assert "General ability" in done.client.report_page(done.job["id"])


def test_what_it_cost_is_counted(done: Done) -> None:
    figures = done.job["rounds"][1]["steps"][-1]["figures"]
    assert (figures["requests"], figures["samples"]) == (LIMIT, LIMIT)
    assert figures["prompt_tokens"] > figures["completion_tokens"] > 0
