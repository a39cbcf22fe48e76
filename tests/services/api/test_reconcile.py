"""Reconcile on real servers: two coordinators at once, a crash between commit and send, a late heartbeat."""

import threading

import pytest
from pydantic import SecretStr
from rq.job import Job as Message
from rq.job import JobStatus as MessageStatus
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from services.api.database.models import Adapter, Attempt, Job, Step
from services.api.pointers import Pointers
from services.api.reconcile.apply import apply
from services.api.reconcile.decide import EndAttempt, decide
from services.api.reconcile.reading import Reader
from services.api.submit import submit
from services.api.wiring import Parts, build, policy_of
from shared.errors import Conflict, QueueUnavailable, SystemFault
from shared.queues import connect, queue_of
from shared.types.lifecycle import QueueName
from tests.services.api.conftest import Stack, wait_for


@pytest.fixture
def parts(standing: Stack, known: str) -> Parts:
    """A second coordinator on the same servers. Neither moves a job by itself: the first one's loop is stopped."""
    standing.parts.loop.stop()
    standing.worker.redis.flushall()
    return build(standing.settings)


@pytest.fixture
def job(parts: Parts, known: str) -> str:
    return submit(parts, {"dataset": known, "model": "tiny", "rounds": 1}, None).job_id


def waiting(parts: Parts) -> list[str]:
    connection = connect(parts.settings.redis_url.get_secret_value())
    return [m for name in QueueName for m in queue_of(connection, name).get_job_ids()]


def attempts(parts: Parts, job: str) -> list[tuple[int, str | None]]:
    with parts.database.snapshot() as session:
        rows = select(Attempt).join(Step, Step.id == Attempt.step_id).where(Step.job_id == job)
        return [(row.number, row.outcome) for row in session.scalars(rows.order_by(Attempt.number))]


def test_two_reconciles_at_once_send_one_message(standing: Stack, parts: Parts, job: str) -> None:
    barrier = threading.Barrier(2)

    def reconcile(which: Parts) -> None:
        barrier.wait()
        which.mover.reconcile(job)

    threads = [threading.Thread(target=reconcile, args=(which,)) for which in (standing.parts, parts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting(parts) == [f"{job}-0-evaluate-0-1"]
    assert attempts(parts, job) == [(1, None)]


def test_a_decision_on_an_older_version_writes_nothing(parts: Parts, job: str) -> None:
    reader = Reader(parts.database, parts.messages, policy_of(parts.settings))
    old = reader.read(job)
    assert old is not None
    parts.mover.reconcile(job)
    assert parts.mover.move(old), "it is to read again"
    assert waiting(parts) == [f"{job}-0-evaluate-0-1"]


def test_reconcile_repeated_changes_nothing(parts: Parts, job: str) -> None:
    parts.mover.reconcile(job)
    reader = Reader(parts.database, parts.messages, policy_of(parts.settings))
    before = reader.read(job)
    parts.mover.reconcile(job)
    assert reader.read(job) == before


def test_a_message_lost_between_commit_and_send_is_sent_by_the_next_call(parts: Parts, job: str) -> None:
    """As if the process died right after the commit."""
    reader = Reader(parts.database, parts.messages, policy_of(parts.settings))
    for _ in range(2):
        truth = reader.read(job)
        assert truth is not None
        found = decide(truth, policy_of(parts.settings))
        assert found is not None
        with parts.database.transaction() as session:
            apply(session, session.get_one(Job, job), found, 15)
    assert attempts(parts, job) == [(1, None)]
    assert not waiting(parts)
    parts.mover.reconcile(job)
    assert waiting(parts) == [f"{job}-0-evaluate-0-1"]


def test_while_the_queue_is_away_nothing_is_lost(parts: Parts, job: str) -> None:
    away = build(parts.settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")}))
    with pytest.raises(QueueUnavailable):
        away.mover.reconcile(job)
    away.mover.reconcile(job)  # it cannot tell whether the message is there, so it waits
    parts.mover.reconcile(job)
    assert waiting(parts) == [f"{job}-0-evaluate-0-1"]


def test_a_heartbeat_after_the_look_saves_the_attempt(parts: Parts, job: str) -> None:
    parts.mover.reconcile(job)
    step_id = f"{job}-0-evaluate-0"
    parts.attempts.start(step_id, 1, "w")
    late = EndAttempt(step_id, 1, "lost", "too late", by_lease=True)
    with parts.database.transaction() as session:
        apply(session, session.get_one(Job, job), late, 15)
    assert attempts(parts, job) == [(1, None)]


def test_a_lease_is_counted_from_the_coordinators_own_start(parts: Parts, job: str) -> None:
    """A coordinator that was away for long must not take steps from workers that could not reach it."""
    parts.mover.reconcile(job)
    parts.attempts.start(f"{job}-0-evaluate-0", 1, "w")
    with parts.database.transaction() as session:
        of_job = Attempt.step_id == f"{job}-0-evaluate-0"
        session.execute(update(Attempt).where(of_job).values(lease_until="2020-01-01T00:00:00Z"))
    restarted = build(parts.settings)
    restarted.mover.reconcile(job)
    assert attempts(parts, job) == [(1, None)]
    impatient = build(parts.settings.model_copy(update={"lease_s": 0.001, "lease_margin_s": 0.0}))

    def is_lost() -> bool:
        impatient.mover.reconcile(job)
        return attempts(parts, job)[0] == (1, "lost")

    assert wait_for(is_lost)


def finish_message(parts: Parts, message: str) -> None:
    """As if the message's handler had come to its end."""
    connection = connect(parts.settings.redis_url.get_secret_value())
    Message.fetch(message, connection=connection, serializer=JSONSerializer).set_status(MessageStatus.FINISHED)


def test_an_attempt_whose_worker_returned_without_a_word_is_lost_before_its_lease(parts: Parts, job: str) -> None:
    parts.mover.reconcile(job)
    parts.attempts.start(f"{job}-0-evaluate-0", 1, "w")
    finish_message(parts, f"{job}-0-evaluate-0-1")
    parts.mover.reconcile(job)
    assert attempts(parts, job) == [(1, "lost"), (2, None)]


def test_the_second_of_two_deliveries_that_is_refused_does_not_end_the_first(parts: Parts, job: str) -> None:
    parts.mover.reconcile(job)
    connect(parts.settings.redis_url.get_secret_value()).flushall()
    parts.mover.reconcile(job)  # sent again
    parts.attempts.start(f"{job}-0-evaluate-0", 1, "first")
    with pytest.raises(Conflict):
        parts.attempts.start(f"{job}-0-evaluate-0", 1, "second")
    finish_message(parts, f"{job}-0-evaluate-0-1")
    parts.mover.reconcile(job)
    assert attempts(parts, job) == [(1, None)]


def test_an_adapters_pointer_is_made_once_and_never_changed(parts: Parts, job: str) -> None:
    with parts.database.transaction() as session:
        session.add(Adapter(job_id=job, round=1, name=f"{job}-r1", prefix="a/b", sha256="0" * 64))
    pointers = Pointers(parts.database, parts.store)
    pointers.publish(f"{job}-r1")
    pointers.publish(f"{job}-r1")
    parts.store.put(f"adapters/{job}-r1.json", b"another's")
    with pytest.raises(SystemFault, match="belongs to another adapter"):
        pointers.publish(f"{job}-r1")
