"""A data set as one zip or tar file."""

import json
from typing import Annotated

from fastapi import APIRouter, Form, Response, UploadFile
from pydantic import ValidationError

from services.api.datasets.archives import check
from services.api.datasets.request import IngestRequest
from services.api.ids import new_id
from services.api.limits import UPLOAD_PATH
from services.api.problems import Problem, faults_of
from services.api.register import register
from services.api.routes.dependencies import PROBLEMS, PartsDep
from services.api.views.datasets import DatasetView
from shared.errors import SystemFault

router = APIRouter(tags=["datasets"], responses=PROBLEMS)


@router.post(UPLOAD_PATH, status_code=202)
def upload_dataset(
    parts: PartsDep,
    response: Response,
    file: UploadFile,
    name: Annotated[str, Form(min_length=1, max_length=200)],
    options: Annotated[str, Form(description="JSON: any field of POST /datasets but name and source")] = "{}",
) -> DatasetView:
    """`file` comes from a temporary file without a name, so that nothing stays behind however this process ends."""
    dataset_id = new_id("ds")
    key = f"datasets/{dataset_id}/upload"
    request = _request(options, key)
    check(file.file, parts.settings.upload_limit_bytes)
    file.file.seek(0)
    parts.store.put_stream(key, file.file)
    try:
        view, job_id = register(parts.database, dataset_id, name, request)
    except SystemFault:
        parts.store.delete(key)
        raise
    parts.loop.wake(job_id)
    response.headers["Location"] = f"/datasets/{view.id}"
    return view


def _request(options: str, key: str) -> IngestRequest:
    try:
        fields = json.loads(options)
        if not isinstance(fields, dict):
            raise ValueError("it is no object")
    except ValueError as error:
        raise Problem("invalid_body", f"`options` is not a JSON object: {error}", remedy="See /docs.") from error
    try:
        return IngestRequest.model_validate(fields | {"source": {"upload": key}})
    except ValidationError as error:
        faults = faults_of(error.errors(), "options.")
        message = "; ".join(f"{f['field']}: {f['message']}" for f in faults)
        raise Problem("invalid_input", message, remedy="Correct the named fields.", faults=faults) from error
