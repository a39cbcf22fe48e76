"""Reads what is true about a job: its rows in one consistent view, then what the queue says. Takes no lock."""

import time
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.database.connection import Database
from services.api.database.models import Attempt, Job, Step
from services.api.job_reading import validation_accuracies
from services.api.reconcile.truth import AttemptTruth, MessageTruth, Policy, ShardTruth, Truth
from services.api.rounds import Position, chosen_steps
from services.api.sleeping.rule import Use, hindrance
from services.api.sleeping.uses import uses
from services.api.stopping import reason_to_stop
from shared.errors import ErrorReport, QueueUnavailable
from shared.queues import Messages
from shared.types.lifecycle import JobStatus, StepName, StepStatus


class Reader:
    """A lease expires after this process's own start at the earliest: while no coordinator ran, nobody could renew."""

    def __init__(self, database: Database, messages: Messages, policy: Policy) -> None:
        self._database = database
        self._messages = messages
        self._policy = policy
        self._began = time.monotonic()

    def read(self, job_id: str) -> Truth | None:
        with self._database.snapshot() as session:
            job = session.get(Job, job_id)
            if job is None:
                return None
            now: datetime = session.scalars(select(func.clock_timestamp())).one()
            steps = _steps_here(session, job)
            attempts = _attempts(session, steps)
            use = _use(job)
            is_asking = any(step.status == StepStatus.PENDING for step in steps)
            enough = _enough(session, job)
            others = uses(session) if is_asking and use and use.concerns_engine else []
        return Truth(
            job_id=job.id,
            version=job.version,
            kind=job.kind,
            status=JobStatus(job.status),
            rounds=job.rounds,
            position=_position(job),
            shards=tuple(self._shard(step, attempts.get(step.id, []), now) for step in steps),
            use=use,
            hindrance=hindrance(use, others) if use else None,
            enough=enough,
            chosen=chosen_steps(job.settings, job.rounds),
        )

    def _shard(self, step: Step, attempts: list[Attempt], now: datetime) -> ShardTruth:
        return ShardTruth(
            step_id=step.id,
            shard=step.shard,
            status=StepStatus(step.status),
            attempts=tuple(self._attempt(row, now) for row in attempts),
            waits_for=step.waits_for,
        )

    def _attempt(self, row: Attempt, now: datetime) -> AttemptTruth:
        return AttemptTruth(
            number=row.number,
            started=row.started_at is not None,
            expired=self._expired(row, now),
            sends=row.sends,
            message="known" if row.outcome else self._message(row),
            outcome=row.outcome,  # type: ignore[arg-type]
            error=ErrorReport.model_validate(row.error) if row.error else None,
            ended_s_ago=(now - row.ended_at).total_seconds() if row.ended_at else None,
        )

    def _expired(self, row: Attempt, now: datetime) -> bool:
        policy = self._policy
        if row.outcome or row.lease_until is None:
            return False
        over = (now - row.lease_until).total_seconds() > policy.lease_margin_s
        return over and time.monotonic() - self._began > policy.lease_s + policy.lease_margin_s

    def _message(self, row: Attempt) -> MessageTruth:
        message_id = f"{row.step_id}-{row.number}"
        try:
            # Of a message sent twice the second handler is refused and returns, while the first one works on.
            if row.sends == 1 and self._messages.returned(message_id):
                return "returned"
            return "known" if row.started_at or self._messages.knows(message_id) else "gone"
        except QueueUnavailable:
            return "unsure"


def _position(job: Job) -> Position | None:
    return None if job.round is None or job.step is None else Position(job.round, StepName(job.step))


def _use(job: Job) -> Use | None:
    """What the job's position would be to the engine if it began now."""
    at = _position(job)
    if at is None:
        return None
    return Use(job.id, at.round, at.step, is_live=False, engine_sleeps=bool(job.settings.get("engine_sleeps")))


def _enough(session: Session, job: Job) -> str | None:
    """Asked at the end of a round only."""
    patience = job.settings.get("early_stopping")
    if job.kind != "tuning" or patience is None or job.step not in (StepName.EVALUATE, StepName.BENCHMARK):
        return None
    return reason_to_stop(validation_accuracies(session, job.id), patience)


def _steps_here(session: Session, job: Job) -> list[Step]:
    here = (Step.job_id == job.id) & (Step.round == job.round) & (Step.step == job.step)
    return list(session.scalars(select(Step).where(here).order_by(Step.shard)))


def _attempts(session: Session, steps: list[Step]) -> dict[str, list[Attempt]]:
    rows = select(Attempt).where(Attempt.step_id.in_([s.id for s in steps])).order_by(Attempt.number)
    found: dict[str, list[Attempt]] = {}
    for row in session.scalars(rows):
        found.setdefault(row.step_id, []).append(row)
    return found
