"""Leases, fencing and recovery, through the calls that workers make."""

import time
from typing import Any

import httpx
import pytest

from services.api.settings import ApiSettings
from shared.artefacts import ManifestRef
from shared.errors import ErrorReport, StepStopped
from shared.types.tasks import StepTask
from tests.services.api.conftest import TOKEN, Stack, wait_for

BROKEN = ErrorReport(code="internal", message="it broke", remedy="mend it", fault="system")


@pytest.fixture
def settings(settings: ApiSettings) -> ApiSettings:
    """Short leases."""
    return settings.model_copy(update={"lease_s": 1.2, "lease_margin_s": 0.2})


@pytest.fixture
def job(stack: Stack, ready: str) -> str:
    return str(stack.job(ready)["id"])


def step(stack: Stack, job: str, round_: int = 0, number: int = 0) -> Any:
    return stack.get(f"/jobs/{job}")["rounds"][round_]["steps"][number]


def kinds(stack: Stack, job: str) -> list[str]:
    return [event["kind"] for event in stack.get(f"/jobs/{job}/events?limit=1000")["items"]]


def say(stack: Stack, task: StepTask, verb: str, **body: Any) -> httpx.Response:
    """One raw call as a worker."""
    path, headers = f"/internal/steps/{task.step_id}/{verb}", {"Authorization": f"Bearer {TOKEN}"}
    return stack.client.post(path, json={"attempt": task.attempt, "worker": "raw", **body}, headers=headers)


def test_only_one_of_two_workers_may_start_an_attempt(stack: Stack, job: str) -> None:
    task = stack.next_task()
    with stack.worker.call(task, "one") as one, stack.worker.call(task, "two") as two:
        one.started()
        with pytest.raises(StepStopped):
            two.started()
    assert step(stack, job)["status"] == "running"


def test_a_worker_that_stops_renewing_loses_its_step_to_another(stack: Stack, job: str) -> None:
    old = stack.next_task()
    with stack.worker.call(old, "old") as coordinator:
        coordinator.started()
        new = stack.next_task()
        assert (new.step_id, new.attempt) == (old.step_id, 2)
        with pytest.raises(StepStopped):
            coordinator.heartbeat()
        with pytest.raises(StepStopped):
            coordinator.succeeded(stack.worker.work(old))
    stack.worker.play(new)
    assert step(stack, job)["attempts"] == 2
    assert "step.lost" in kinds(stack, job)


def test_heartbeats_keep_the_lease(stack: Stack, job: str) -> None:
    task = stack.next_task()
    with stack.worker.call(task) as coordinator:
        coordinator.started()
        until = time.monotonic() + 2 * task.lease_s
        while time.monotonic() < until:
            coordinator.heartbeat()
            time.sleep(task.lease_s / 5)
        coordinator.succeeded(stack.worker.work(task))
    assert step(stack, job)["attempts"] == 1


def test_an_emptied_queue_is_only_a_delay(stack: Stack, job: str) -> None:
    wait_for(stack.worker.waiting)
    stack.worker.redis.flushall()
    task = stack.next_task()
    assert task.attempt == 1
    assert "step.resent" in wait_for(lambda: kinds(stack, job))


def test_success_told_twice_is_accepted_once(stack: Stack, job: str) -> None:
    task = stack.next_task()
    with stack.worker.call(task) as coordinator:
        coordinator.started()
        ref = stack.worker.work(task)
        coordinator.succeeded(ref)
        coordinator.succeeded(ref)
        with pytest.raises(StepStopped):
            coordinator.failed(BROKEN)
    assert kinds(stack, job).count("step.succeeded") == 1


def test_a_failed_attempt_is_followed_until_the_budget_is_used_up(stack: Stack, job: str) -> None:
    for number in range(1, 5):
        task = stack.next_task()
        assert task.attempt == number
        with stack.worker.call(task) as coordinator:
            coordinator.started()
            coordinator.failed(BROKEN)
    failed = wait_for(lambda: (found := stack.get(f"/jobs/{job}"))["is_terminal"] and found)
    assert failed["status"] == "failed"
    assert failed["error"] == {
        "code": "internal",
        "message": "evaluate of round 0 failed in 4 attempts, at last: it broke",
        "remedy": "mend it",
        "fault": "system",
    }
    assert not stack.worker.waiting()


def test_an_attempt_that_was_handed_back_does_not_count(stack: Stack, job: str) -> None:
    for _ in range(5):
        task = stack.next_task()
        with stack.worker.call(task) as coordinator:
            coordinator.started()
            coordinator.again()
    stack.worker.play(stack.next_task())
    assert step(stack, job)["attempts"] == 6
    assert step(stack, job)["status"] == "succeeded"


def test_a_manifest_that_is_not_what_was_told_fails_the_attempt(stack: Stack, job: str) -> None:
    task = stack.next_task()
    assert say(stack, task, "started").status_code == 204
    ref = stack.worker.work(task)
    wrong = ManifestRef(key=ref.key, sha256="0" * 64).model_dump()
    refused = say(stack, task, "ended", outcome="succeeded", manifest=wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_manifest")
    assert stack.next_task().attempt == 2


def test_progress_shows_and_a_stale_push_is_refused(stack: Stack, job: str) -> None:
    task = stack.next_task()
    say(stack, task, "started")
    say(stack, task, "progress", done=1, total=4, metrics={"loss": 0.5})
    say(stack, task, "progress", done=2, total=4, metrics={"loss": 0.25})
    shown = step(stack, job)
    assert (shown["percent"], shown["metrics"]) == (50.0, {"loss": 0.25})
    stale = task.model_copy(update={"attempt": 9})
    assert say(stack, stale, "progress", done=4, total=4).status_code == 409


def test_what_a_worker_tells_stands_in_the_jobs_events(stack: Stack, job: str) -> None:
    """Also when the job is being cancelled; an attempt that is over is not heard."""
    task = stack.next_task()
    with stack.worker.call(task, "one") as coordinator:
        coordinator.started()
        coordinator.tell("half as many pairs")
        stack.post(f"/jobs/{job}/cancel", None)
        coordinator.tell("78 GiB are free" + "." * 2000)
    said = [event for event in stack.get(f"/jobs/{job}/events?limit=1000")["items"] if event["kind"] == "step.told"]
    assert [(event["attempt"], event["worker"], event["message"][:18]) for event in said] == [
        (1, "one", "half as many pairs"),
        (1, "one", "78 GiB are free..."),
    ]
    stale = task.model_copy(update={"attempt": 9})
    assert say(stack, stale, "told", message="?").status_code == 409


def test_a_cancelled_job_refuses_its_running_attempt_and_ends(stack: Stack, job: str) -> None:
    task = stack.next_task()
    with stack.worker.call(task) as coordinator:
        coordinator.started()
        assert stack.post(f"/jobs/{job}/cancel", None)["status"] == "cancelling"
        with pytest.raises(StepStopped):
            coordinator.heartbeat()
        with pytest.raises(StepStopped):
            coordinator.succeeded(stack.worker.work(task))
    done = wait_for(lambda: (found := stack.get(f"/jobs/{job}"))["is_terminal"] and found)
    assert done["status"] == "cancelled"
    assert done["rounds"][0]["steps"][0]["status"] == "cancelled"
    assert not stack.worker.waiting()


def test_cancelling_ends_without_the_worker_once_its_lease_is_over(stack: Stack, job: str) -> None:
    say(stack, stack.next_task(), "started")
    stack.post(f"/jobs/{job}/cancel", None)
    assert wait_for(lambda: stack.get(f"/jobs/{job}")["status"] == "cancelled")


@pytest.mark.parametrize("says_so", [True, False])
def test_a_cancelled_steps_seconds_stand_still(stack: Stack, job: str, says_so: bool) -> None:
    task = stack.next_task()
    say(stack, task, "started")
    stack.post(f"/jobs/{job}/cancel", {})
    if says_so:
        assert say(stack, task, "ended", outcome="again").status_code == 409
    wait_for(lambda: stack.get(f"/jobs/{job}")["is_terminal"])
    ended = step(stack, job)
    assert (ended["status"], ended["ended_at"] is not None) == ("cancelled", True)
    assert step(stack, job)["seconds"] == ended["seconds"]


def test_a_queued_job_is_cancelled_at_once_and_only_once(stack: Stack, job: str) -> None:
    wait_for(stack.worker.waiting)
    stack.post(f"/jobs/{job}/cancel", None)
    assert wait_for(lambda: stack.get(f"/jobs/{job}")["status"] == "cancelled")
    again = stack.client.post(f"/jobs/{job}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")
    late = stack.next_task()
    assert say(stack, late, "started").status_code == 409
