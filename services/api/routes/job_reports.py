"""A job's report, as JSON, Markdown or one page of HTML."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from services.api.report.contents import Report
from services.api.report.gather import report_of
from services.api.report.pages import html_of, markdown_of
from services.api.routes.dependencies import PROBLEMS, PartsDep

router = APIRouter(prefix="/jobs/{job_id}", tags=["jobs"], responses=PROBLEMS)
Format = Literal["json", "md", "html"]
_FORMATS: dict[str, Format] = {"text/html": "html", "text/markdown": "md", "application/json": "json"}
# The page holds what models wrote: nothing in it may run or be fetched.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/report", response_model=Report)
def get_report(
    job_id: str,
    parts: PartsDep,
    format: Format | None = None,  # noqa: A002 - as users read it
    accept: Annotated[str, Header()] = "",
) -> Response | Report:
    """`format`, or else the first of the `Accept` header's types that there is; JSON by default. Of a job that is not
    over: what is done so far."""
    report = report_of(parts.database, parts.store, job_id)
    wanted = format or _accepted(accept)
    if wanted == "html":
        return HTMLResponse(html_of(report), headers=_HEADERS)
    if wanted == "md":
        return PlainTextResponse(markdown_of(report), media_type="text/markdown", headers=_HEADERS)
    return report


def _accepted(header: str) -> Format:
    types = (part.partition(";")[0].strip().lower() for part in header.split(","))
    return next((_FORMATS[each] for each in types if each in _FORMATS), "json")
