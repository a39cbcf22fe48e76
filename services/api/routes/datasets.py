"""Data sets: register by path or prefix, list, read, cancel while they are validated."""

from typing import Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from services.api.cancel import ask_to_stop
from services.api.database.models import Dataset, Job
from services.api.dataset_reading import views_of
from services.api.datasets.request import IngestRequest
from services.api.ids import new_id
from services.api.named import dataset_named
from services.api.problems import Problem
from services.api.register import check_path, check_prefix, register
from services.api.routes.dependencies import PROBLEMS, Limit, PartsDep
from services.api.views.datasets import DatasetView
from services.api.wiring import Parts

router = APIRouter(prefix="/datasets", tags=["datasets"], responses=PROBLEMS)


class GivenSource(BaseModel):
    """One of the two. An archive is sent to /datasets/upload."""

    model_config = ConfigDict(extra="forbid")

    path: str | None = Field(None, min_length=1, description="absolute, below one of the coordinator's import roots")
    prefix: str | None = Field(
        None, min_length=1, description="of the system's own object store, below its import prefix; or one archive"
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.prefix is None):
            raise ValueError("give a path or a prefix, and only one of them")
        return self


class DatasetRequest(IngestRequest):
    name: str = Field(min_length=1, max_length=200)
    source: GivenSource  # type: ignore[assignment]


class DatasetPage(BaseModel):
    items: list[DatasetView]
    next: str | None


@router.post("", status_code=202)
def post_dataset(body: DatasetRequest, parts: PartsDep, response: Response) -> DatasetView:
    _check_source(parts, body.source)
    request = IngestRequest.model_validate(body.model_dump(exclude={"name"}))
    view, job_id = register(parts.database, new_id("ds"), body.name, request)
    parts.loop.wake(job_id)
    response.headers["Location"] = f"/datasets/{view.id}"
    return view


@router.get("")
def list_datasets(parts: PartsDep, after: str | None = None, limit: Limit = 50) -> DatasetPage:
    """Newest first."""
    wanted = select(Dataset).order_by(Dataset.id.desc()).limit(limit + 1)
    if after:
        wanted = wanted.where(Dataset.id < after)
    with parts.database.snapshot() as session:
        rows = list(session.scalars(wanted))
        shown = views_of(session, rows[:limit])
    return DatasetPage(items=shown, next=shown[-1].id if len(rows) > limit else None)


@router.get("/{dataset_id}")
def get_dataset(dataset_id: str, parts: PartsDep) -> DatasetView:
    with parts.database.snapshot() as session:
        return views_of(session, [dataset_named(session, dataset_id)])[0]


@router.post("/{dataset_id}/cancel", status_code=202)
def cancel_dataset(dataset_id: str, parts: PartsDep) -> DatasetView:
    """Stop validating it: it ends `invalid`. One that is validated already is a conflict."""
    with parts.database.transaction() as session:
        dataset = dataset_named(session, dataset_id)
        of_ingest = select(Job).where(Job.kind == "ingest", Job.dataset_id == dataset_id)
        job = session.scalars(of_ingest.with_for_update()).one()
        session.refresh(dataset)
        if dataset.status != "validating":
            raise Problem("conflict", f"{dataset_id!r} is {dataset.status} already", remedy="There is nothing to stop.")
        ask_to_stop(session, job)
        view = views_of(session, [dataset])[0]
    parts.loop.wake(job.id)
    return view


def _check_source(parts: Parts, source: GivenSource) -> None:
    """Raises Problem when it must not be read, or nothing is there."""
    if source.path is not None:
        check_path(source.path, parts.settings.import_roots)
    if source.prefix is not None:
        check_prefix(parts.store, source.prefix.rstrip("/"), parts.settings.import_prefix)
