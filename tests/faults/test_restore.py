"""The backup that was made in the middle of the survivor's training, restored into a new stack, which goes on with the
half-done job. The survivor itself went on too, to compare."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selfsynth.backup import restore
from selfsynth.client import Client
from selfsynth.stack import Stack, StackOptions
from tests.faults.survivor import OPTIONS, Survivor
from tests.faults.watching import parts_of

STEPS = ("describe", "select_concepts", "synthesise", "train", "evaluate")


@dataclass
class Restored:
    run: Survivor
    before: list[dict[str, Any]]
    """The events that the backup held."""


@pytest.fixture(scope="module")
def restored(survivor: Survivor, tmp_path_factory: pytest.TempPathFactory) -> Restored:
    """New folder, ports and keys, and an empty queue."""
    folder = tmp_path_factory.mktemp("restored")
    restore(survivor.backup, folder / "stack")
    options = StackOptions(model_path=survivor.model, **OPTIONS)
    with Stack(folder / "stack", options) as stack, Client(stack.url, stack.api_key) as client:
        before = list(client.events(survivor.job["id"]))
        run = Survivor(client.wait(survivor.job["id"]), [], folder)
        run.events = list(client.events(survivor.job["id"]))
    return Restored(run, before)


def _hashes(run: Survivor, step: str) -> list[str]:
    """SHA-256 of the accepted parts' bytes, as they lie in the store."""
    return [hashlib.sha256((run.objects / part.key).read_bytes()).hexdigest() for part in run.manifest(1, step).parts]


def test_a_half_done_job_goes_on_and_succeeds(restored: Restored) -> None:
    assert restored.run.job["status"] == "succeeded", restored.run.job["error"]


def test_only_the_step_that_was_half_done_is_attempted_again(restored: Restored, survivor: Survivor) -> None:
    """Its worker is gone with the old stack: once the lease is over, the next attempt goes on."""
    for step in STEPS[:3]:
        assert restored.run.told(step, "step.started") == survivor.told(step, "step.started")
    assert [e["attempt"] for e in restored.run.told("train", "step.started")] == [1, 2, 3, 4, 5]
    assert restored.run.told("train", "step.lost")[-1]["attempt"] == 4
    assert restored.run.manifest(1, "train").attempt == 5


def test_the_artefacts_are_those_of_the_stack_that_went_on(restored: Restored, survivor: Survivor) -> None:
    """The weights bit by bit, since training goes on from its checkpoint."""
    for step in STEPS:
        assert _hashes(restored.run, step) == _hashes(survivor, step), step
    weights = [run.manifest(1, "train").extra["adapter"]["sha256"] for run in (restored.run, survivor)]
    assert weights[0] == weights[1]


def test_nothing_is_there_twice(restored: Restored) -> None:
    """No part that two attempts wrote, and no event that is told again."""
    for step in STEPS:
        numbers = Counter(Path(path).name.split("-")[0] for path in parts_of(restored.run.step(1, step)))
        assert set(numbers.values()) == {1}, step
    assert restored.run.events[: len(restored.before)] == restored.before
