"""A trained round to give away: ask for it, follow its job as any other, fetch its files."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel
from sqlalchemy import select
from starlette.responses import StreamingResponse

from services.api.database.models import Artefact, Step
from services.api.exporting import ExportRequest, ask_export, exports_of
from services.api.job_reading import view_of
from services.api.named import job_named
from services.api.routes.dependencies import PROBLEMS, PartsDep
from services.api.views.jobs import JobSummary, JobView, summary_fields
from services.api.wiring import Parts
from shared.artefacts import read_rows
from shared.errors import NotFound
from shared.types.export import ExportedFile
from shared.types.lifecycle import StepName

router = APIRouter(prefix="/jobs/{job_id}", tags=["exports"], responses=PROBLEMS)

_BEST_ADAPTER = ExportRequest()


class FileView(BaseModel):
    """`href` gives the file's bytes."""

    name: str
    size_bytes: int
    sha256: str
    href: str


@router.post("/export", status_code=202)
def post_export(
    job_id: str, parts: PartsDep, response: Response, body: Annotated[ExportRequest, Body()] = _BEST_ADAPTER
) -> JobView:
    """The job that exports a round of `job_id`; the same one for the same body. Follow it at `/jobs/{its id}`."""
    export_id = ask_export(parts, job_id, body)
    parts.loop.wake(export_id)
    response.headers["Location"] = f"/jobs/{export_id}"
    with parts.database.snapshot() as session:
        return view_of(session, job_named(session, export_id))


@router.get("/exports")
def list_exports(job_id: str, parts: PartsDep) -> list[JobSummary]:
    """All exports of the job, newest first."""
    with parts.database.snapshot() as session:
        job_named(session, job_id)
        return [JobSummary(**summary_fields(job)) for job in exports_of(session, job_id)]


@router.get("/files")
def list_files(job_id: str, parts: PartsDep) -> list[FileView]:
    """The files of an export that is done."""
    return [
        FileView(**row.model_dump(exclude={"key"}), href=f"/jobs/{job_id}/files/{row.name}")
        for row in _files(parts, job_id)
    ]


@router.get("/files/{name}", response_class=StreamingResponse)
def get_file(job_id: str, name: str, parts: PartsDep) -> StreamingResponse:
    row = next((row for row in _files(parts, job_id) if row.name == name), None)
    if row is None:
        raise NotFound(f"the export {job_id} has no file {name!r}", remedy=f"GET /jobs/{job_id}/files lists them.")
    headers = {
        "Content-Disposition": f'attachment; filename="{row.name}"',
        "Content-Length": str(row.size_bytes),
        "ETag": f'"{row.sha256}"',
    }
    return StreamingResponse(parts.store.stream(row.key), media_type="application/octet-stream", headers=headers)


def _files(parts: Parts, job_id: str) -> list[ExportedFile]:
    with parts.database.snapshot() as session:
        job_named(session, job_id)
        made = select(Artefact.key).join(Step, Artefact.step_id == Step.id)
        key = session.scalars(made.where(Step.job_id == job_id, Step.step == StepName.EXPORT.value)).one_or_none()
    if key is None:
        raise NotFound(
            f"{job_id} has no exported files", remedy="Wait until an export is done: POST /jobs/{id}/export makes one."
        )
    return list(read_rows(parts.store, [key], ExportedFile))
