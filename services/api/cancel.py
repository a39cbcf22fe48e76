"""Asks a job to stop. Moves nothing: reconcile does."""

from sqlalchemy import func
from sqlalchemy.orm import Session

from services.api.database.models import Job
from services.api.events import tell_job
from shared.types.lifecycle import JobStatus


def ask_to_stop(session: Session, job: Job) -> None:
    """Of a live job whose row is locked. Harmless when it was asked before."""
    if job.status == JobStatus.CANCELLING:
        return
    job.status, job.version = JobStatus.CANCELLING, job.version + 1
    job.updated_at = func.clock_timestamp()
    tell_job(session, job, "job.cancelling", "asked to stop")
    session.flush()
    session.refresh(job)
