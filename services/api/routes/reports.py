"""What validation found in a data set: the whole report, and its sheet of sample images."""

from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from services.api.database.models import Dataset
from services.api.named import dataset_named
from services.api.part_pages import BEGIN, page_of
from services.api.problems import Problem
from services.api.routes.dependencies import PROBLEMS, Limit, PartsDep
from services.api.views.reports import report_text
from services.api.wiring import Parts
from shared.artefacts import read_manifest
from shared.errors import NotFound
from shared.types.records import Split

router = APIRouter(prefix="/datasets/{dataset_id}", tags=["datasets"], responses=PROBLEMS)


class ImageFindings(BaseModel):
    """What was found of one image: `findings` are codes, `details` a message each. `usable`: it can be decoded."""

    id: str
    source: str
    label: str
    split: Split
    usable: bool
    findings: list[str]
    details: list[str]


class FindingsPage(BaseModel):
    """`next`: give it as `after`; None at the end."""

    items: list[ImageFindings]
    next: str | None


@router.get("/report", response_class=JSONResponse)
def get_report(dataset_id: str, parts: PartsDep, format: Literal["json", "text"] = "json") -> Response:  # noqa: A002 - as users read it
    """`{"errors": [...], "warnings": [...], "errors_total", "warnings_total", "counts": {code: n}}`, or plain text."""
    dataset = _validated(parts, dataset_id)
    report = _extra(parts, dataset).get("report", dataset.report)
    if format == "text":
        return PlainTextResponse(report_text(dataset.name, dataset.status, report))
    return JSONResponse(report)


@router.get("/findings")
def list_findings(
    dataset_id: str, parts: PartsDep, code: str | None = None, after: str = BEGIN, limit: Limit = 100
) -> FindingsPage:
    """Every image of which something was found, or of which `code` was, in the data set's order."""

    def keep(table: pa.Table) -> pa.Table:
        told = table.filter(pc.greater(pc.list_value_length(table["findings"]), 0))
        if code is None:
            return told
        return told.filter(pa.array([code in codes for codes in told["findings"].to_pylist()], pa.bool_()))

    examined = _extra(parts, _validated(parts, dataset_id)).get("examined")
    files = read_manifest(parts.store, examined).parts if examined else ()
    items, next_ = page_of(parts.store, files, after, limit, keep)
    return FindingsPage(items=[ImageFindings.model_validate(item) for item in items], next=next_)


@router.get("/sheet", response_class=Response)
def get_sheet(dataset_id: str, parts: PartsDep, page: Annotated[int, Query(ge=1)] = 1) -> Response:
    """A page of sample images of each class as JPEG. The header `X-Pages` tells how many there are."""
    pages: list[str] = _extra(parts, _validated(parts, dataset_id)).get("sheet", [])
    if page > len(pages):
        raise NotFound(
            f"the sheet of {dataset_id!r} has {len(pages)} pages, and no page {page}", remedy="Ask for less."
        )
    return Response(parts.store.get(pages[page - 1]), media_type="image/jpeg", headers={"X-Pages": str(len(pages))})


def _validated(parts: Parts, dataset_id: str) -> Dataset:
    """Raises Problem while it is being validated."""
    with parts.database.snapshot() as session:
        dataset = dataset_named(session, dataset_id)
    if dataset.status == "validating":
        raise Problem("dataset_not_ready", f"{dataset_id!r} is being validated", remedy="Wait until it is ready.")
    return dataset


def _extra(parts: Parts, dataset: Dataset) -> dict[str, Any]:
    """Nothing for one whose layout could not even be read."""
    return read_manifest(parts.store, dataset.examples).extra if dataset.examples else {}
