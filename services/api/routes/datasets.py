"""Data sets: register by path, list, read."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from services.api.database.models import Dataset
from services.api.datasets.request import IngestRequest
from services.api.ids import new_id
from services.api.preflight import newest_bank
from services.api.register import check_path, register
from services.api.routes.dependencies import PROBLEMS, Limit, PartsDep, dataset_named
from services.api.views.datasets import DatasetView, dataset_view

router = APIRouter(prefix="/datasets", tags=["datasets"], responses=PROBLEMS)


class PathSource(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, description="absolute, below one of the coordinator's import roots")


class DatasetRequest(IngestRequest):
    name: str = Field(min_length=1, max_length=200)
    source: PathSource  # type: ignore[assignment]


class DatasetPage(BaseModel):
    items: list[DatasetView]
    next: str | None


@router.post("", status_code=202)
def post_dataset(body: DatasetRequest, parts: PartsDep, response: Response) -> DatasetView:
    check_path(body.source.path, parts.settings.import_roots)
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
        shown = [dataset_view(row, newest_bank(session, row.id)) for row in rows[:limit]]
    return DatasetPage(items=shown, next=shown[-1].id if len(rows) > limit else None)


@router.get("/{dataset_id}")
def get_dataset(dataset_id: str, parts: PartsDep) -> DatasetView:
    with parts.database.snapshot() as session:
        return dataset_view(dataset_named(session, dataset_id), newest_bank(session, dataset_id))
