"""The append-only story of a job. Knows what a line says, nothing of who reads it."""

from sqlalchemy.orm import Session

from services.api.database.models import Event, Job, Step


def tell_job(session: Session, job: Job, kind: str, message: str) -> None:
    session.add(Event(job_id=job.id, kind=kind, round=job.round, step=job.step, message=message))


def tell_step(
    session: Session, step: Step, kind: str, attempt: int, message: str = "", worker: str | None = None
) -> None:
    session.add(
        Event(
            job_id=step.job_id,
            kind=kind,
            round=step.round,
            step=step.step,
            shard=step.shard,
            attempt=attempt,
            worker=worker,
            message=message,
        )
    )
