"""Jobs: post, list, read, follow, cancel."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Response
from pydantic import BaseModel
from sqlalchemy import select

from services.api.cancel import ask_to_stop
from services.api.database.models import Event, Job
from services.api.job_reading import view_of
from services.api.named import job_named
from services.api.preflight import JobRequest
from services.api.problems import Problem
from services.api.routes.dependencies import PROBLEMS, Limit, PartsDep, event_cursor
from services.api.submit import submit
from services.api.views.jobs import JobSummary, JobView, summary_fields
from shared.types.lifecycle import JobStatus

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=PROBLEMS)

# The body is parsed by preflight, so that its faults and those of its settings come in one answer.
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": JobRequest.model_json_schema()}}}}


class JobPage(BaseModel):
    """`next`: give it as `after` for the next page; None at the end."""

    items: list[JobSummary]
    next: str | None


class EventView(BaseModel):
    id: int
    at: datetime
    kind: str
    round: int | None
    step: str | None
    shard: int | None
    attempt: int | None
    worker: str | None
    message: str


class EventPage(BaseModel):
    """`next`: give it as `after` to go on from here, also when there is nothing new yet."""

    items: list[EventView]
    next: str


@router.post("", status_code=202, openapi_extra=_BODY)
def post_job(
    parts: PartsDep,
    response: Response,
    body: Annotated[dict[str, Any], Body()],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> JobView:
    answer = submit(parts, body, idempotency_key)
    parts.loop.wake(answer.job_id)
    response.headers["Location"] = f"/jobs/{answer.job_id}"
    return JobView.model_validate(answer.body)


@router.get("")
def list_jobs(
    parts: PartsDep,
    after: str | None = None,
    limit: Limit = 50,
    status: Annotated[list[JobStatus] | None, Query()] = None,
    dataset: str | None = None,
) -> JobPage:
    """Newest first."""
    wanted = select(Job).where(Job.kind == "tuning").order_by(Job.id.desc()).limit(limit + 1)
    if after:
        wanted = wanted.where(Job.id < after)
    if status:
        wanted = wanted.where(Job.status.in_([s.value for s in status]))
    if dataset:
        wanted = wanted.where(Job.dataset_id == dataset)
    with parts.database.snapshot() as session:
        jobs = list(session.scalars(wanted))
    shown = [JobSummary(**summary_fields(job)) for job in jobs[:limit]]
    return JobPage(items=shown, next=shown[-1].id if len(jobs) > limit else None)


@router.get("/{job_id}")
def get_job(job_id: str, parts: PartsDep) -> JobView:
    with parts.database.snapshot() as session:
        return view_of(session, job_named(session, job_id))


@router.get("/{job_id}/events")
def list_events(job_id: str, parts: PartsDep, after: str = "0", limit: Limit = 100) -> EventPage:
    """Oldest first."""
    with parts.database.snapshot() as session:
        job_named(session, job_id)
        newer = select(Event).where(Event.job_id == job_id, Event.id > event_cursor(after))
        events = list(session.scalars(newer.order_by(Event.id).limit(limit)))
    shown = [EventView.model_validate(event, from_attributes=True) for event in events]
    return EventPage(items=shown, next=str(shown[-1].id) if shown else after)


@router.post("/{job_id}/cancel", status_code=202)
def cancel_job(job_id: str, parts: PartsDep) -> JobSummary:
    """Queued steps end at once; a running one is told at its next heartbeat. A finished job is a conflict."""
    with parts.database.transaction() as session:
        job = job_named(session, job_id, lock=True)
        if JobStatus(job.status).is_terminal:
            raise Problem(
                "job_finished",
                f"the job {job_id} has ended already: {job.status}",
                remedy="There is nothing to cancel.",
            )
        ask_to_stop(session, job)
    parts.loop.wake(job_id)
    return JobSummary(**summary_fields(job))
