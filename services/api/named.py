"""Rows by the ids that users give. Knows no address and no view."""

from sqlalchemy.orm import Session

from services.api.database.models import Dataset, Job
from services.api.rounds import CONCEPT_KINDS
from shared.errors import NotFound


def job_named(session: Session, job_id: str, *, lock: bool = False) -> Job:
    """A job that users may see: a tuning job, or one that builds a concept bank or an export. Raises NotFound."""
    job = session.get(Job, job_id, with_for_update=lock)
    if job is None or job.kind not in ("tuning", "export", *CONCEPT_KINDS):
        raise NotFound(f"there is no job {job_id!r}", remedy="`selfsynth jobs list` or GET /jobs lists them.")
    return job


def dataset_named(session: Session, dataset_id: str, *, lock: bool = False) -> Dataset:
    dataset = session.get(Dataset, dataset_id, with_for_update=lock)
    if dataset is None:
        raise NotFound(
            f"there is no data set {dataset_id!r}", remedy="`selfsynth datasets list` or GET /datasets lists them."
        )
    return dataset
