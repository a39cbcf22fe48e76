"""What routes are given, and the answers that several share."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from sqlalchemy.orm import Session

from services.api.database.models import Dataset, Job
from services.api.rounds import CONCEPT_KINDS
from services.api.wiring import Parts
from shared.errors import InvalidInput, NotFound


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(_parts)]
Limit = Annotated[int, Query(ge=1, le=1000)]

_PROBLEM: dict[str, Any] = {
    "description": "problem+json: type, title, status, detail, code, remedy, fault, and `faults` by field",
    "content": {"application/problem+json": {}},
}
PROBLEMS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


def job_named(session: Session, job_id: str, *, lock: bool = False) -> Job:
    """A job that users may see: a tuning job, or one that builds a concept bank. Raises NotFound."""
    job = session.get(Job, job_id, with_for_update=lock)
    if job is None or job.kind not in ("tuning", *CONCEPT_KINDS):
        raise NotFound(f"there is no job {job_id!r}", remedy="`selfsynth jobs list` or GET /jobs lists them.")
    return job


def dataset_named(session: Session, dataset_id: str, *, lock: bool = False) -> Dataset:
    dataset = session.get(Dataset, dataset_id, with_for_update=lock)
    if dataset is None:
        raise NotFound(
            f"there is no data set {dataset_id!r}", remedy="`selfsynth datasets list` or GET /datasets lists them."
        )
    return dataset


def event_cursor(after: str) -> int:
    if not after.isdecimal() or len(after) > 18:
        raise InvalidInput(f"the cursor {after!r} is none of ours", remedy="Give `next` of the last answer, or 0.")
    return int(after)
