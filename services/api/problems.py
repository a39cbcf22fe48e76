"""Errors as users see them: problem+json (RFC 9457) with a stable code, the remedy, and whose fault it is.

The one table from codes to statuses and titles. Foreign errors (FastAPI's) become ours here, once.
"""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from shared.errors import Conflict, DiskFull, ErrorReport, NotFound, SelfSynthError, UserFault, is_disk_full, report_of

# code: (status, title)
CATALOGUE: dict[str, tuple[int, str]] = {
    "invalid_input": (422, "The request cannot be carried out as it is"),
    "invalid_settings": (422, "The job's settings are not legal"),
    "invalid_body": (400, "The body is not what this address expects"),
    "body_too_large": (413, "The body is too large"),
    "unauthorised": (401, "A valid key is needed"),
    "not_found": (404, "There is no such thing"),
    "object_missing": (404, "An object is gone from the object store"),
    "method_not_allowed": (405, "This address does not take that method"),
    "conflict": (409, "The present state does not allow this"),
    "job_finished": (409, "The job is finished"),
    "stale_attempt": (409, "This attempt is over"),
    "dataset_not_ready": (409, "The data set is not ready"),
    "concept_bank_incomplete": (422, "The concept bank lacks concepts"),
    "concepts_changed": (412, "The concept bank has changed meanwhile"),
    "precondition_required": (428, "The edit must say what it was made on"),
    "labels_unknown": (422, "Labels mean no class of the data set"),
    "endpoint_not_allowed": (422, "This endpoint may not be asked"),
    "endpoint_refuses": (422, "The endpoint refuses the question"),
    "endpoint_unavailable": (503, "The endpoint does not answer"),
    "endpoint_key_missing": (503, "The endpoint's key is not there"),
    "engine_cannot_sleep": (422, "The engine cannot be put to sleep"),
    "not_exportable": (409, "There is nothing to export yet"),
    "chats_busy": (503, "Too many chats at once"),
    "model_not_served": (422, "The model is not served"),
    "idempotency_key_reused": (422, "The Idempotency-Key was used for another request"),
    "invalid_manifest": (422, "The artefact cannot be accepted"),
    "path_not_allowed": (422, "This path must not be read"),
    "database_unavailable": (503, "The database does not answer"),
    "queue_unavailable": (503, "The queue does not answer"),
    "store_unavailable": (503, "The object store does not answer"),
    "store_full": (507, "The object store is full"),
    "disk_full": (507, "A disk of the system is full"),
    "engine_unavailable": (503, "The engine does not answer"),
    "internal": (500, "A fault of the system"),
}
_OF_STATUS = {401: "unauthorised", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}

_NO_ROOM = DiskFull(
    "the disk of the coordinator's temporary folder is full",
    remedy="Free space there, or set TMPDIR of the coordinator to a larger disk; then send it again.",
)


class Problem(UserFault):
    """A user's fault with a code of the catalogue. `faults` names each faulty field, when there are several."""

    def __init__(self, code: str, message: str, *, remedy: str, faults: list[dict[str, str]] | None = None) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.faults = faults or []


def problem(report: ErrorReport, status: int, faults: list[dict[str, str]] | None = None) -> JSONResponse:
    title = CATALOGUE.get(report.code, (0, "The request failed"))[1]
    body: dict[str, Any] = {
        "type": f"/problems/{report.code}",
        "title": title,
        "status": status,
        "detail": report.message,
        "code": report.code,
        "remedy": report.remedy,
        "fault": report.fault,
    }
    if faults:
        body["faults"] = faults
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def status_of(error: SelfSynthError) -> int:
    if error.code in CATALOGUE:
        return CATALOGUE[error.code][0]
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Conflict):
        return 409
    return 422 if isinstance(error, UserFault) else 503


def install(app: FastAPI) -> None:
    """Every error that leaves the app is problem+json."""

    @app.exception_handler(SelfSynthError)
    def ours(request: Request, error: SelfSynthError) -> JSONResponse:
        return problem(error.report(), status_of(error), getattr(error, "faults", None))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(*_of_validation(error))

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        if is_disk_full(error.__cause__):  # met while a form was written to the temporary folder
            return problem(_NO_ROOM.report(), status_of(_NO_ROOM))
        code = _OF_STATUS.get(error.status_code, "invalid_body" if error.status_code < 500 else "internal")
        remedy = "See /docs for the addresses and what they take."
        where = f"{request.method} {request.url.path}: {error.detail}"
        fault = "user" if error.status_code < 500 else "system"
        return problem(ErrorReport(code=code, message=where, remedy=remedy, fault=fault), error.status_code)

    @app.exception_handler(Exception)
    def unknown(request: Request, error: Exception) -> JSONResponse:
        return problem(report_of(error), 500)


def faults_of(errors: Any, prefix: str = "") -> list[dict[str, str]]:
    """pydantic's errors as `{"field", "message"}`, fields by dotted name."""
    return [{"field": prefix + ".".join(map(str, e["loc"])), "message": e["msg"]} for e in errors]


def _of_validation(error: RequestValidationError) -> tuple[ErrorReport, int, list[dict[str, str]]]:
    errors = error.errors()
    not_json = any(e["type"] == "json_invalid" for e in errors)
    code, status = ("invalid_body", 400) if not_json else ("invalid_input", 422)
    faults = faults_of(errors)
    message = "the body is not JSON" if not_json else "; ".join(f"{f['field']}: {f['message']}" for f in faults)
    remedy = "Send a JSON object as described in /docs." if not_json else "Correct the named fields; see /docs."
    return ErrorReport(code=code, message=message, remedy=remedy, fault="user"), status, faults
