"""Jobs that share one GPU with the engine: on real servers, with an engine and workers that only play."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.api.app import create_app
from services.api.database.models import Job
from services.api.reconcile.apply import apply
from services.api.reconcile.decide import decide
from services.api.reconcile.reading import Reader
from services.api.settings import ApiSettings
from services.api.wiring import Parts, build, policy_of
from shared.errors import ErrorReport
from shared.types.lifecycle import StepName
from shared.types.tasks import StepTask
from tests.ports import free_port
from tests.services.api.conftest import KEY, Stack, ready_dataset, serving
from tests.services.api.engine import FakeEngine

SHARES = {"engine_sleeps": True}
TRAIN = StepName.TRAIN


@dataclass
class Scene:
    """A coordinator whose loop is stopped: a job moves when a test says so."""

    stack: Stack
    dataset: str
    engine: FakeEngine
    parts: Parts

    def job(self, **settings: Any) -> str:
        return str(self.stack.job(self.dataset, settings=settings)["id"])

    def move(self, job: str) -> StepTask | None:
        """Reconcile; the message that went out."""
        self.parts.mover.reconcile(job)
        return self.stack.worker.take()

    def play(self, task: StepTask) -> None:
        self.stack.worker.play(task)

    def to(self, step: StepName, job: str) -> StepTask:
        """Play the job until the step's message is there."""
        while task := self.move(job):
            if task.step == step:
                return task
            self.play(task)
        raise AssertionError(f"the job waits: {self.waits_for(job)}")

    def before_training(self, job: str) -> None:
        """All that comes before it is done; the coordinator has not seen it yet."""
        self.play(self.to(StepName.SYNTHESISE, job))

    def waits_for(self, job: str) -> list[str]:
        rounds = self.stack.get(f"/jobs/{job}")["rounds"]
        return [step["waits_for"] for each in rounds for step in each["steps"] if step["waits_for"]]

    def restarted(self, **settings: Any) -> Parts:
        """Another coordinator in the place of this one."""
        self.parts = build(self.stack.settings.model_copy(update=settings))
        return self.parts


@pytest.fixture(scope="module")
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def stack(
    new_settings: Callable[[Path], ApiSettings], tmp_path_factory: pytest.TempPathFactory, engine: FakeEngine
) -> Iterator[Stack]:
    settings = new_settings(tmp_path_factory.mktemp("turns")).model_copy(update={"engine_url": engine.url})
    with serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
def dataset(stack: Stack) -> str:
    made = ready_dataset(stack, stack.settings.import_roots[0])
    stack.parts.loop.stop()
    return made


@pytest.fixture
def scene(stack: Stack, dataset: str, engine: FakeEngine) -> Iterator[Scene]:
    """No job of another test is live."""
    scene = Scene(stack, dataset, engine, build(stack.settings))
    yield scene
    for job in stack.get("/jobs?limit=1000")["items"]:
        if not job["is_terminal"]:
            stack.post(f"/jobs/{job['id']}/cancel", {})
            lost = build(stack.settings.model_copy(update={"lease_s": 0.001, "lease_margin_s": 0.0}))
            while not stack.get(f"/jobs/{job['id']}")["is_terminal"]:
                lost.mover.reconcile(job["id"])
    stack.worker.redis.flushall()
    engine.can_sleep, engine.is_asleep, engine.fault = True, False, 0
    engine.changes.clear()


def test_the_engine_sleeps_while_the_job_trains_and_at_no_other_step(scene: Scene) -> None:
    job = scene.job(**SHARES)
    seen: list[tuple[StepName, bool]] = []
    while task := scene.move(job):
        seen.append((task.step, scene.engine.is_asleep))
        scene.play(task)
    assert [step for step, asleep in seen if asleep] == [TRAIN]
    assert seen[-1] == (StepName.EVALUATE, False)
    assert scene.engine.changes == ["/sleep", "/wake_up"]
    assert scene.stack.get(f"/jobs/{job}")["status"] == "succeeded"


def test_a_job_with_a_gpu_of_its_own_lets_the_engine_be(scene: Scene) -> None:
    scene.to(TRAIN, scene.job())
    assert scene.engine.changes == []


def test_training_waits_until_another_jobs_generation_is_over(scene: Scene) -> None:
    trains, generates = scene.job(**SHARES), scene.job()
    scene.before_training(trains)
    running = scene.move(generates)
    assert running is not None
    assert scene.move(trains) is None
    assert scene.move(trains) is None
    assert scene.waits_for(trains) == [f"the engine cannot sleep yet: it is at evaluate of round 0 of {generates}"]
    told = [each for each in scene.stack.get(f"/jobs/{trains}/events")["items"] if each["kind"] == "step.waiting"]
    assert [each["message"] for each in told] == scene.waits_for(trains)
    assert not scene.engine.is_asleep
    scene.play(running)
    scene.to(TRAIN, trains)
    assert scene.engine.is_asleep
    assert scene.waits_for(trains) == []


def test_generation_waits_while_another_job_trains(scene: Scene) -> None:
    trains, generates = scene.job(**SHARES), scene.job()
    scene.before_training(trains)
    training = scene.to(TRAIN, trains)
    assert scene.move(generates) is None
    assert scene.waits_for(generates) == [f"the engine sleeps for train of round 1 of {trains}"]
    scene.play(training)
    assert scene.move(generates) is not None
    assert not scene.engine.is_asleep


def test_generation_of_others_does_not_hold_up_training_for_ever(scene: Scene) -> None:
    trains, generates = scene.job(**SHARES), scene.job(shards=2)
    scene.before_training(trains)
    scene.parts.mover.reconcile(generates)
    base = [scene.stack.next_task(), scene.stack.next_task()]
    assert scene.move(trains) is None
    for task in base:
        scene.play(task)
    assert scene.move(generates) is None
    assert scene.waits_for(generates)[0].startswith("the engine is about to sleep for train of round 1")
    assert scene.move(trains) is not None


def test_what_a_coordinator_left_between_claim_and_sleep_the_next_one_finishes(scene: Scene) -> None:
    """As if the process died right after the commit."""
    job = scene.job(**SHARES)
    scene.before_training(job)
    parts, policy = scene.parts, policy_of(scene.parts.settings)
    for _ in ("open", "claim"):
        truth = Reader(parts.database, parts.messages, policy).read(job)
        assert truth is not None
        move = decide(truth, policy)
        assert move is not None
        with parts.database.transaction() as session:
            apply(session, session.get_one(Job, job), move, 15)
    assert not scene.engine.is_asleep
    scene.restarted()
    task = scene.move(job)
    assert task is not None
    assert (task.step, task.attempt, scene.engine.is_asleep) == (TRAIN, 1, True)


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_training_that_came_to_nothing_leaves_the_engine_awake_also_after_a_restart(scene: Scene, how: str) -> None:
    job = scene.job(**SHARES)
    scene.before_training(job)
    task = scene.to(TRAIN, job)
    with scene.stack.worker.call(task) as worker:
        worker.started()
        if how == "cancelled":
            scene.stack.post(f"/jobs/{job}/cancel", {})
            scene.parts.attempts.end_cancelled(task.step_id, task.attempt)
        else:
            worker.failed(ErrorReport(code="too_few_pairs", message="none", remedy="none", fault="user"))
    scene.parts.mover.reconcile(job)
    assert scene.stack.get(f"/jobs/{job}")["status"] == how
    assert scene.engine.is_asleep
    scene.restarted().keeper.look()
    assert not scene.engine.is_asleep


def test_an_engine_that_was_restarted_awake_is_put_to_sleep_by_the_next_attempt_only(scene: Scene) -> None:
    job = scene.job(**SHARES)
    scene.before_training(job)
    task = scene.to(TRAIN, job)
    scene.engine.is_asleep = False
    scene.parts.mover.reconcile(job)
    assert not scene.engine.is_asleep
    scene.play(task)
    after = scene.move(job)
    assert after is not None
    assert after.step == StepName.EVALUATE


def test_while_the_engine_is_away_training_waits_and_no_attempt_is_lost(scene: Scene) -> None:
    job = scene.job(**SHARES)
    scene.before_training(job)
    scene.engine.fault = 500
    assert scene.move(job) is None
    [why] = scene.waits_for(job)
    assert "cannot be asked to sleep or wake" in why
    assert "ordered" in why
    scene.engine.fault = 0
    scene.restarted()
    task = scene.move(job)
    assert task is not None
    assert (task.attempt, scene.engine.is_asleep) == (1, True)


def test_generation_waits_for_an_engine_that_is_known_to_sleep_and_cannot_be_woken(scene: Scene) -> None:
    job = scene.job(**SHARES)
    scene.before_training(job)
    scene.play(scene.to(TRAIN, job))
    scene.engine.fault = 500
    assert scene.move(job) is None
    assert "ordered" in scene.waits_for(job)[0]
    scene.engine.fault = 0
    scene.restarted()
    task = scene.move(job)
    assert task is not None
    assert (task.step, task.attempt, scene.engine.is_asleep) == (StepName.EVALUATE, 1, False)


def test_an_engine_of_which_nothing_is_known_holds_up_no_generation(scene: Scene) -> None:
    """It may only be starting. The worker is patient, and a later look wakes it."""
    scene.engine.is_asleep, scene.engine.fault = True, 500
    assert scene.move(scene.job()) is not None
    scene.engine.fault = 0
    scene.restarted().keeper.look()
    assert not scene.engine.is_asleep


def test_a_job_whose_engine_came_back_without_sleep_fails_with_what_mends_it(scene: Scene) -> None:
    job = scene.job(**SHARES)
    scene.before_training(job)
    scene.engine.can_sleep = False
    assert scene.move(job) is None
    error = scene.stack.get(f"/jobs/{job}")["error"]
    assert error["code"] == "engine_cannot_sleep"
    assert "SELFSYNTH_ENGINE_SLEEP=true" in error["remedy"]


def test_of_two_that_want_the_engine_at_once_one_gets_it(scene: Scene) -> None:
    trains, generates = scene.job(**SHARES), scene.job()
    scene.before_training(trains)
    barrier = threading.Barrier(2)

    def reconcile(parts: Parts, job: str) -> None:
        barrier.wait()
        parts.mover.reconcile(job)

    both = [(scene.parts, trains), (build(scene.stack.settings), generates)]
    threads = [threading.Thread(target=reconcile, args=each) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = scene.stack.worker.take(), scene.stack.worker.take()
    assert first is not None
    assert second is None
    assert scene.engine.is_asleep == (first.step == TRAIN)


def test_a_job_that_wants_an_engine_to_sleep_that_cannot_is_refused(scene: Scene) -> None:
    scene.engine.can_sleep = False
    body = {"dataset": scene.dataset, "model": "tiny", "settings": SHARES}
    problem = scene.stack.post("/jobs", body, status=422)
    assert problem["code"] == "engine_cannot_sleep"
    assert [fault["field"] for fault in problem["faults"]] == ["settings.engine_sleeps"]
    assert scene.engine.url in problem["detail"]
    assert "leave settings.engine_sleeps out" in problem["remedy"]


def test_a_replica_that_does_not_answer_is_the_systems_fault(scene: Scene) -> None:
    settings = {"engine_url": f"{scene.engine.url},http://127.0.0.1:{free_port()}"}
    client = TestClient(create_app(scene.restarted(**settings)), headers={"Authorization": f"Bearer {KEY}"})
    body = {"dataset": scene.dataset, "model": "tiny", "settings": SHARES}
    response = client.post("/jobs", json=body)
    assert (response.status_code, response.json()["code"]) == (503, "engine_unavailable")
