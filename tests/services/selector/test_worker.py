"""The worker from message to end: real store, real encoder, a coordinator that records."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.selector.worker import run_step
from shared.types.lifecycle import StepName
from shared.types.records import ScoredConcept
from tests.services.selector.worlds import World, description, example
from tests.shared.worker.coordinator_stub import CoordinatorStub, running_stub


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, [example("a", "wren"), example("b", "kite")], {"wren": ("brown",), "kite": ("red", "long")})
    made.give(descriptions=[description("a", "a small brown bird"), description("b", "a long red bird")])
    return made


@pytest.fixture
def coordinator(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[CoordinatorStub]:
    with running_stub() as stub:
        monkeypatch.setenv("SELFSYNTH_STORE_URL", world.store.url)
        monkeypatch.setenv("SELFSYNTH_REDIS_URL", "redis://127.0.0.1:1")
        monkeypatch.setenv("SELFSYNTH_COORDINATOR_URL", stub.url)
        monkeypatch.setenv("SELFSYNTH_WORKER_TOKEN", "token")
        yield stub


def work_off(world: World) -> None:
    """In a thread of its own, where the worker leaves the process's signals alone."""
    message = world.context(StepName.SELECT_CONCEPTS).task.model_dump(mode="json")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run_step, message).result()


def test_a_message_is_worked_off_and_its_manifest_handed_to_the_coordinator(
    world: World, coordinator: CoordinatorStub
) -> None:
    work_off(world)
    assert coordinator.verbs() == ["started", "progress", "ended"]
    rows = world.rows(coordinator.body("ended")["manifest"]["key"], ScoredConcept)
    assert {(row.example_id, row.concept) for row in rows} == {("a", "brown"), ("b", "red"), ("b", "long")}


def test_an_encoder_that_is_not_there_ends_the_attempt_with_the_remedy(
    world: World, coordinator: CoordinatorStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFSYNTH_ENCODER", str(world.folder / "nowhere"))
    work_off(world)
    error = coordinator.body("ended")["error"]
    assert "nowhere" in error["message"]
    assert "SELFSYNTH_ENCODER" in error["remedy"]
