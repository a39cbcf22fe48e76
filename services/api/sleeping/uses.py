"""Reads which steps use the engine or need it asleep, of all jobs; and lets one of them at a time take its turn."""

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from services.api.database.models import Attempt, Job, Step
from services.api.sleeping.rule import Use, hindrance
from shared.types.lifecycle import QUEUE_OF_STEP, JobStatus, QueueName, StepName, StepStatus

_TURN_LOCK = 0x51EE9
_STEPS = [name.value for name, queue in QUEUE_OF_STEP.items() if queue is QueueName.GENERATION or name == "train"]
_LIVE = [status.value for status in JobStatus if not status.is_terminal]
_OPEN = [StepStatus.PENDING.value, StepStatus.QUEUED.value, StepStatus.RUNNING.value]


def uses(session: Session) -> list[Use]:
    """Oldest job first. A step of a job that does not run on, as one being cancelled, counts while it is live."""
    is_live = exists().where(Attempt.step_id == Step.id, Attempt.outcome.is_(None))
    sleeps = func.coalesce(Job.settings["engine_sleeps"].as_boolean(), False)
    rows = session.execute(
        select(Step.job_id, Step.round, Step.step, is_live, sleeps)
        .join(Job, Job.id == Step.job_id)
        .where(Step.step.in_(_STEPS), Step.status.in_(_OPEN))
        .where(Job.status.in_(_LIVE), (Job.status == JobStatus.RUNNING) | is_live)
        .order_by(Step.id)
    )
    return [Use(job_id, round_, StepName(step), live, asleep) for job_id, round_, step, live, asleep in rows]


def may_begin(session: Session, mine: Use) -> bool:
    """Whether `mine` may begin in this transaction. Until its end no other job's step that concerns the engine can."""
    if not mine.concerns_engine:
        return True
    session.execute(select(func.pg_advisory_xact_lock(_TURN_LOCK)))
    return hindrance(mine, uses(session)) is None
