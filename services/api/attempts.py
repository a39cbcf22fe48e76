"""What workers say about their attempts, as facts in the database. Moves no job: reconcile does.

A stale or cancelled attempt is answered StaleAttempt (409), by which its worker stops. Every change is made under the
job's row lock and raises its version, except heartbeats and progress.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.api.accept import Accepted, accept
from services.api.database.connection import Database
from services.api.database.models import Artefact, Attempt, Job, Progress, Step
from services.api.events import tell_step
from shared.errors import Conflict, ErrorReport, NotFound
from shared.types.lifecycle import JobStatus, StepStatus


class StaleAttempt(Conflict):
    code = "stale_attempt"


class Attempts:
    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_s)

    def start(self, step_id: str, number: int, worker: str) -> str:
        """Compare-and-set queued -> running; the answer is the job's id."""
        with self._database.transaction() as session:
            job, step, attempt = _locked(session, step_id, number)
            if attempt.outcome or attempt.started_at or step.status != StepStatus.QUEUED:
                raise _stale(step_id, number, f"it is {attempt.outcome or step.status}")
            now = _now(session)
            attempt.worker, attempt.started_at, attempt.lease_until = worker, now, now + self._lease
            step.status, step.started_at = StepStatus.RUNNING, step.started_at or now
            _touch(job)
            tell_step(session, step, "step.started", number, worker=worker)
            return job.id

    def renew(self, step_id: str, number: int) -> None:
        """A heartbeat: one statement, no lock on the job."""
        with self._database.transaction() as session:
            renewed = session.execute(
                update(Attempt)
                .where(*_lives(step_id, number))
                .values(lease_until=func.clock_timestamp() + self._lease)
                .returning(Attempt.number)
            ).first()
            if renewed is None:
                raise _stale(step_id, number, "it is over, or its job is")

    def push(self, step_id: str, number: int, done: int, total: int, metrics: dict[str, float]) -> None:
        with self._database.transaction() as session:
            if session.execute(select(Attempt.number).where(*_lives(step_id, number))).first() is None:
                raise _stale(step_id, number, "it is over, or its job is")
            fresh = {"attempt": number, "done": done, "total": total, "metrics": metrics}
            row = insert(Progress).values(step_id=step_id, **fresh)
            session.execute(
                row.on_conflict_do_update(
                    index_elements=["step_id"], set_={**fresh, "updated_at": func.clock_timestamp()}
                )
            )

    def tell(self, step_id: str, number: int, worker: str, message: str) -> None:
        """A line of the job's story. Heard also from an attempt that is being cancelled."""
        with self._database.transaction() as session:
            step, attempt = session.get(Step, step_id), session.get(Attempt, (step_id, number))
            if step is None or attempt is None or attempt.outcome:
                raise _stale(step_id, number, "it is over, or there was none")
            tell_step(session, step, "step.told", number, message, worker)

    def succeed(self, step_id: str, number: int, worker: str, accepted: Accepted) -> str:
        """Accept the artefact: attempt, step, artefact and what follows from it in one transaction. Said twice by the
        same attempt, it is answered the same."""
        with self._database.transaction() as session:
            job, step, attempt = _locked(session, step_id, number)
            artefact = session.get(Artefact, step_id)
            if attempt.outcome == "succeeded" and artefact and artefact.sha256 == accepted.ref.sha256:
                return job.id
            _must_run(step, attempt)
            _end(session, job, attempt, "succeeded")
            step.status, step.ended_at, step.error = StepStatus.SUCCEEDED, attempt.ended_at, None
            accept(session, job, step, number, accepted)
            tell_step(session, step, "step.succeeded", number, accepted.summary, worker)
            return job.id

    def fail(self, step_id: str, number: int, worker: str, error: ErrorReport) -> str:
        with self._database.transaction() as session:
            job, step, attempt = _locked(session, step_id, number)
            if attempt.outcome == "failed":
                return job.id
            _must_run(step, attempt)
            _end(session, job, attempt, "failed")
            attempt.error = step.error = error.model_dump()
            step.status = StepStatus.PENDING
            tell_step(session, step, "step.failed", number, error.message, worker)
            return job.id

    def hand_back(self, step_id: str, number: int, worker: str) -> str:
        """The worker is being shut down; the step waits for another, and the attempt does not count."""
        with self._database.transaction() as session:
            job, step, attempt = _locked(session, step_id, number)
            if attempt.outcome == "again":
                return job.id
            _must_run(step, attempt)
            _end(session, job, attempt, "again")
            step.status = StepStatus.PENDING
            tell_step(session, step, "step.handed_back", number, "its worker is being shut down", worker)
            return job.id

    def end_cancelled(self, step_id: str, number: int) -> str | None:
        """When the job is being cancelled, a running attempt that says how it ended has ended. None: not cancelling."""
        with self._database.transaction() as session:
            step = session.get(Step, step_id)
            job = session.get(Job, step.job_id, with_for_update=True) if step else None
            attempt = session.get(Attempt, (step_id, number))
            if not (job and step and attempt) or job.status != JobStatus.CANCELLING or attempt.outcome:
                return None
            _end(session, job, attempt, "cancelled")
            step.status, step.ended_at = StepStatus.CANCELLED, attempt.ended_at
            return job.id


def _locked(session: Session, step_id: str, number: int) -> tuple[Job, Step, Attempt]:
    """The job's row, locked first, then the rest. Raises NotFound or StaleAttempt."""
    job_id = session.scalars(select(Step.job_id).where(Step.id == step_id)).one_or_none()
    if job_id is None:
        raise NotFound(f"there is no step {step_id!r}", remedy="Its job is not of this coordinator.")
    job = session.get_one(Job, job_id, with_for_update=True)
    attempt = session.get(Attempt, (step_id, number), with_for_update=True)
    if attempt is None:
        raise _stale(step_id, number, "there is none of this number")
    if job.status != JobStatus.RUNNING and not attempt.outcome:
        raise _stale(step_id, number, f"its job is {job.status}")
    return job, session.get_one(Step, step_id), attempt


def _must_run(step: Step, attempt: Attempt) -> None:
    if attempt.outcome or step.status != StepStatus.RUNNING:
        raise _stale(step.id, attempt.number, f"it is {attempt.outcome or step.status}")


def _end(session: Session, job: Job, attempt: Attempt, outcome: str) -> None:
    attempt.outcome, attempt.ended_at = outcome, _now(session)
    _touch(job)


def _lives(step_id: str, number: int) -> tuple[Any, ...]:
    running = select(Job.id).join(Step, Step.job_id == Job.id)
    return (
        Attempt.step_id == step_id,
        Attempt.number == number,
        Attempt.outcome.is_(None),
        Attempt.started_at.is_not(None),
        running.where(Step.id == step_id, Job.status == JobStatus.RUNNING).exists(),
    )


def _touch(job: Job) -> None:
    job.version += 1
    job.updated_at = func.clock_timestamp()


def _now(session: Session) -> datetime:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def _stale(step_id: str, number: int, why: str) -> StaleAttempt:
    return StaleAttempt(
        f"attempt {number} at {step_id} must end: {why}", remedy="Stop this attempt; what it wrote is kept."
    )
