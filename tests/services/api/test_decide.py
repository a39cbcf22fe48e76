"""The one next thing, for each thing that can be true."""

from dataclasses import replace
from typing import Any

import pytest

from services.api.reconcile.decide import (
    Cancelled,
    EndAttempt,
    Enqueue,
    Fail,
    Finish,
    Move,
    Open,
    Resend,
    decide,
)
from services.api.reconcile.truth import AttemptTruth, Policy, ShardTruth, Truth
from services.api.rounds import Position
from shared.errors import ErrorReport
from shared.types.lifecycle import JobStatus, StepName, StepStatus

POLICY = Policy()
AT = Position(1, StepName.DESCRIBE)
SYSTEM = ErrorReport(code="internal", message="it broke", remedy="mend it", fault="system")
USER = ErrorReport(code="too_few_pairs", message="3 of 40 pairs", remedy="allow fallbacks", fault="user")
QUEUED, RUNNING = AttemptTruth(1), AttemptTruth(1, started=True)
FAILED = AttemptTruth(1, started=True, outcome="failed", error=SYSTEM, ended_s_ago=60)


def shard(status: StepStatus, *attempts: AttemptTruth, number: int = 0) -> ShardTruth:
    return ShardTruth(f"s{number}", number, status, attempts)


def truth(*shards: ShardTruth, **fields: Any) -> Truth:
    base = Truth("job", 1, "tuning", JobStatus.RUNNING, 2, AT, shards)
    return replace(base, **fields)


def move(*shards: ShardTruth, **fields: Any) -> Move | None:
    return decide(truth(*shards, **fields), POLICY)


def test_a_new_job_opens_its_first_step() -> None:
    assert move(status=JobStatus.QUEUED, position=None) == Open(Position(0, StepName.EVALUATE))


def test_a_pending_shard_is_enqueued() -> None:
    assert move(shard(StepStatus.PENDING)) == Enqueue("s0", 1)


def test_no_more_shards_run_at_once_than_the_operator_allows() -> None:
    running = [shard(StepStatus.RUNNING, RUNNING, number=n) for n in range(POLICY.steps_per_job)]
    assert move(*running, shard(StepStatus.PENDING, number=99)) is None
    assert move(*running[1:], shard(StepStatus.PENDING, number=99)) == Enqueue("s99", 1)


@pytest.mark.parametrize("attempt", [QUEUED, RUNNING, replace(QUEUED, message="unsure")])
def test_what_goes_well_is_left_alone(attempt: AttemptTruth) -> None:
    assert move(shard(StepStatus.QUEUED, attempt)) is None


def test_a_message_that_the_queue_lost_is_sent_again_as_the_same_attempt() -> None:
    assert move(shard(StepStatus.QUEUED, replace(QUEUED, message="gone"))) == Resend("s0", 1)


def test_a_message_that_no_worker_can_start_is_given_up_at_last() -> None:
    attempt = replace(QUEUED, message="gone", sends=POLICY.sends_per_attempt)
    assert isinstance(move(shard(StepStatus.QUEUED, attempt)), EndAttempt)


@pytest.mark.parametrize("attempt", [replace(RUNNING, expired=True), replace(RUNNING, message="returned")])
def test_an_attempt_that_nobody_works_on_is_lost(attempt: AttemptTruth) -> None:
    found = move(shard(StepStatus.RUNNING, attempt))
    assert isinstance(found, EndAttempt)
    assert found.outcome == "lost"


def test_a_lost_attempt_is_followed_at_once_and_a_failed_one_after_a_pause() -> None:
    lost, fresh = replace(FAILED, outcome="lost", ended_s_ago=0.0), replace(FAILED, ended_s_ago=0.1)
    assert move(shard(StepStatus.PENDING, lost)) == Enqueue("s0", 2)
    assert move(shard(StepStatus.PENDING, fresh)) is None
    assert move(shard(StepStatus.PENDING, FAILED)) == Enqueue("s0", 2)


def test_the_pause_doubles() -> None:
    twice = (FAILED, replace(FAILED, number=2, ended_s_ago=3.0))
    assert move(shard(StepStatus.PENDING, *twice)) is None
    assert decide(truth(shard(StepStatus.PENDING, *twice)), replace(POLICY, retry_delay_s=1.4)) == Enqueue("s0", 3)


def test_the_job_fails_when_the_attempts_are_used_up() -> None:
    tries = [replace(FAILED, number=n + 1) for n in range(POLICY.attempts_per_step)]
    found = move(shard(StepStatus.PENDING, *tries))
    assert isinstance(found, Fail)
    assert found.error.message == "describe of round 1 failed in 4 attempts, at last: it broke"


def test_attempts_that_were_handed_back_do_not_count() -> None:
    back = [replace(FAILED, number=n + 1, outcome="again", error=None) for n in range(10)]
    assert move(shard(StepStatus.PENDING, *back)) == Enqueue("s0", 11)


def test_a_users_fault_fails_the_job_at_once() -> None:
    found = move(shard(StepStatus.PENDING, replace(FAILED, error=USER)))
    assert isinstance(found, Fail)
    assert (found.error.code, found.error.message) == ("too_few_pairs", "describe of round 1 failed: 3 of 40 pairs")


def test_the_next_step_waits_for_all_shards() -> None:
    ok = shard(StepStatus.SUCCEEDED)
    assert move(ok, shard(StepStatus.RUNNING, RUNNING, number=1)) is None
    assert move(ok, replace(ok, step_id="s1")) == Open(Position(1, StepName.SELECT_CONCEPTS))


def test_the_last_step_finishes_the_job() -> None:
    assert move(shard(StepStatus.SUCCEEDED), position=Position(2, StepName.EVALUATE)) == Finish()


def test_cancelling_waits_for_the_attempt_that_runs() -> None:
    waiting, running = shard(StepStatus.QUEUED, QUEUED), shard(StepStatus.RUNNING, RUNNING, number=1)
    cancelling = JobStatus.CANCELLING
    first = move(running, waiting, status=cancelling)
    assert isinstance(first, EndAttempt)
    assert (first.step_id, first.outcome) == ("s0", "cancelled")
    assert move(running, status=cancelling) is None
    assert isinstance(move(shard(StepStatus.RUNNING, replace(RUNNING, expired=True)), status=cancelling), EndAttempt)
    assert move(shard(StepStatus.PENDING), status=cancelling) == Cancelled()


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_terminal_stays_terminal(status: JobStatus) -> None:
    assert move(shard(StepStatus.PENDING), status=status) is None
