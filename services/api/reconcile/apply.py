"""Writes one move. The caller holds the job's row and has compared its version; messages go out after the commit."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.database.models import Attempt, Dataset, Job, Step
from services.api.datasets.listing import Finding
from services.api.events import tell_job, tell_step
from services.api.facts import facts_of
from services.api.inputs import task_for
from services.api.reconcile.decide import Cancelled, EndAttempt, Enqueue, Fail, Finish, Move, Open, Resend, Wait
from services.api.rounds import Position, shards_of
from shared.errors import ErrorReport
from shared.job_settings import JobSettings
from shared.types.lifecycle import JobStatus, StepName, StepStatus
from shared.types.tasks import StepTask, step_id

_CANCELLED = ErrorReport(
    code="cancelled", message="validation was cancelled", remedy="Register the data set again.", fault="user"
)


def apply(session: Session, job: Job, move: Move, lease_s: float) -> StepTask | None:
    """Write the move; the answer is the message to send once it is committed."""
    job.version += 1
    job.updated_at = func.clock_timestamp()
    match move:
        case Open():
            _open(session, job, move.position)
        case Enqueue():
            return _enqueue(session, job, move, lease_s)
        case Resend():
            return _resend(session, job, move, lease_s)
        case Wait():
            _wait(session, move)
        case EndAttempt():
            _end_attempt(session, move)
        case Fail():
            _fail(session, job, move)
        case Finish():
            _end_job(session, job, JobStatus.SUCCEEDED, move.why)
        case Cancelled():
            _cancel_rest(session, job)
            _end_job(session, job, JobStatus.CANCELLED, "cancelled by request")
            if job.kind == "ingest":
                _refuse_dataset(session, job, _CANCELLED)
    return None


def _open(session: Session, job: Job, at: Position) -> None:
    if job.status == JobStatus.QUEUED:
        job.status, job.started_at = JobStatus.RUNNING, func.clock_timestamp()
        tell_job(session, job, "job.running", "the job has begun")
    job.round, job.step = at.round, at.step.value
    shards = shards_of(at.step, JobSettings.model_validate(job.settings)) if job.kind == "tuning" else 1
    for shard in range(shards):
        session.add(
            Step(
                id=step_id(job.id, at.round, at.step, shard),
                job_id=job.id,
                round=at.round,
                step=at.step.value,
                shard=shard,
                shards=shards,
                status=StepStatus.PENDING,
            )
        )


def _enqueue(session: Session, job: Job, move: Enqueue, lease_s: float) -> StepTask:
    step = session.get_one(Step, move.step_id)
    step.status, step.waits_for = StepStatus.QUEUED, None
    session.add(Attempt(step_id=step.id, number=move.number))
    tell_step(session, step, "step.queued", move.number)
    return _task(session, job, step, move.number, lease_s)


def _resend(session: Session, job: Job, move: Resend, lease_s: float) -> StepTask:
    step = session.get_one(Step, move.step_id)
    attempt = session.get_one(Attempt, (move.step_id, move.number))
    attempt.sends += 1
    step.waits_for = None
    tell_step(session, step, "step.resent", move.number, "the queue did not know the message any more")
    return _task(session, job, step, move.number, lease_s)


def _wait(session: Session, move: Wait) -> None:
    step = session.get_one(Step, move.step_id)
    step.waits_for = move.why
    last = session.scalars(select(func.max(Attempt.number)).where(Attempt.step_id == step.id)).one()
    tell_step(session, step, "step.waiting", last or 0, move.why)


def _task(session: Session, job: Job, step: Step, number: int, lease_s: float) -> StepTask:
    at = Position(step.round, StepName(step.step))
    return task_for(facts_of(session, job, lease_s), at, step.shard, step.shards, number)


def _end_attempt(session: Session, move: EndAttempt) -> None:
    """The attempt's row is locked and looked at again: a heartbeat does not raise the job's version."""
    attempt = session.get_one(Attempt, (move.step_id, move.number), with_for_update=True)
    now = session.scalars(select(func.clock_timestamp())).one()
    if move.by_lease and attempt.lease_until and attempt.lease_until > now:
        return
    step = session.get_one(Step, move.step_id)
    attempt.outcome, attempt.ended_at = move.outcome, func.clock_timestamp()
    if move.outcome == "cancelled":
        step.status, step.ended_at = StepStatus.CANCELLED, attempt.ended_at
    else:
        step.status = StepStatus.PENDING
        attempt.error = _lost(step, move.why).model_dump()
        step.error = attempt.error
    tell_step(session, step, f"step.{move.outcome}", move.number, move.why, attempt.worker)


def _lost(step: Step, why: str) -> ErrorReport:
    return ErrorReport(
        code="worker_lost",
        message=f"the attempt at {step.id} was lost: {why}",
        remedy="Look into that worker's log; it may have been killed or cut off from the coordinator.",
        fault="system",
    )


def _fail(session: Session, job: Job, move: Fail) -> None:
    step = session.get_one(Step, move.step_id)
    step.status, step.error, step.ended_at = StepStatus.FAILED, move.error.model_dump(), func.clock_timestamp()
    _cancel_rest(session, job)
    job.error = move.error.model_dump()
    _end_job(session, job, JobStatus.FAILED, move.error.message)
    if job.kind == "ingest":
        _refuse_dataset(session, job, move.error)


def _refuse_dataset(session: Session, job: Job, error: ErrorReport) -> None:
    dataset = session.get_one(Dataset, job.dataset_id)
    dataset.status, dataset.updated_at = "invalid", func.clock_timestamp()
    finding = Finding(code=error.code, message=f"{error.message}. {error.remedy}")
    dataset.report = {"errors": [finding.model_dump(mode="json")], "warnings": []}


def _cancel_rest(session: Session, job: Job) -> None:
    """No step of a job that is over stays open; a worker still at one is refused at its next call."""
    live = (StepStatus.PENDING, StepStatus.QUEUED, StepStatus.RUNNING)
    for step in session.scalars(select(Step).where(Step.job_id == job.id, Step.status.in_(live))):
        step.status, step.ended_at = StepStatus.CANCELLED, func.clock_timestamp()
        for attempt in session.scalars(select(Attempt).where(Attempt.step_id == step.id, Attempt.outcome.is_(None))):
            attempt.outcome, attempt.ended_at = "cancelled", func.clock_timestamp()


def _end_job(session: Session, job: Job, status: JobStatus, message: str) -> None:
    job.status, job.ended_at = status, func.clock_timestamp()
    tell_job(session, job, f"job.{status.value}", message)
