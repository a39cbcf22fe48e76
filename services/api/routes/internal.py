"""What workers tell: started, heartbeat, progress, words, ended. A stale or cancelled attempt is answered 409."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.api.accept import InvalidManifest, verify
from services.api.attempts import StaleAttempt
from services.api.routes.dependencies import PartsDep
from services.api.wiring import Parts
from shared.artefacts import ManifestRef
from shared.errors import ErrorReport, InvalidInput

router = APIRouter(prefix="/internal/steps/{step_id}", tags=["internal"], include_in_schema=False)


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    attempt: int = Field(ge=1, lt=2**31)
    worker: str = ""


class ProgressSaid(Said):
    done: int = Field(ge=0)
    total: int = Field(ge=0)
    metrics: dict[str, float] = {}


class Told(Said):
    message: str = Field(max_length=1000)


class Succeeded(Said):
    outcome: Literal["succeeded"]
    manifest: ManifestRef


class Failed(Said):
    outcome: Literal["failed"]
    error: ErrorReport


class Again(Said):
    outcome: Literal["again"]


Ended = Annotated[Succeeded | Failed | Again, Field(discriminator="outcome")]


@router.post("/started", status_code=204)
def started(step_id: str, said: Said, parts: PartsDep) -> None:
    parts.loop.wake(parts.attempts.start(step_id, said.attempt, said.worker))


@router.post("/heartbeat", status_code=204)
def heartbeat(step_id: str, said: Said, parts: PartsDep) -> None:
    parts.attempts.renew(step_id, said.attempt)


@router.post("/progress", status_code=204)
def progress(step_id: str, said: ProgressSaid, parts: PartsDep) -> None:
    parts.attempts.push(step_id, said.attempt, said.done, said.total, said.metrics)


@router.post("/told", status_code=204)
def told(step_id: str, said: Told, parts: PartsDep) -> None:
    parts.attempts.tell(step_id, said.attempt, said.worker, said.message)


@router.post("/ended", status_code=204)
def ended(step_id: str, said: Ended, parts: PartsDep) -> None:
    if job_id := parts.attempts.end_cancelled(step_id, said.attempt):
        parts.loop.wake(job_id)
        raise StaleAttempt(f"the job of {step_id} is being cancelled", remedy="Stop this attempt.")
    match said:
        case Succeeded():
            job_id = _succeeded(step_id, said, parts)
        case Failed():
            job_id = parts.attempts.fail(step_id, said.attempt, said.worker, said.error)
        case Again():
            job_id = parts.attempts.hand_back(step_id, said.attempt, said.worker)
    parts.loop.wake(job_id)


def _succeeded(step_id: str, said: Succeeded, parts: Parts) -> str:
    """An artefact that cannot be accepted is a failed attempt, so that another one follows."""
    try:
        accepted = verify(parts.store, step_id, said.manifest)
        return parts.attempts.succeed(step_id, said.attempt, said.worker, accepted)
    except InvalidManifest as error:
        parts.loop.wake(parts.attempts.fail(step_id, said.attempt, said.worker, error.report()))
        raise InvalidInput(error.message, remedy=error.remedy, code=error.code) from error
