"""What a job leaves, to take home: adapters as a tar, artefacts as a list of Parquet parts."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import StreamingResponse

from services.api.database.models import Adapter, Artefact, Step
from services.api.named import job_named
from services.api.routes.dependencies import PROBLEMS, PartsDep
from services.api.tar_stream import tar_of
from services.api.wiring import Parts
from shared.artefacts import Part, read_manifest
from shared.errors import NotFound
from shared.types.lifecycle import StepName

router = APIRouter(prefix="/jobs/{job_id}/rounds/{round_}", tags=["artefacts"], responses=PROBLEMS)
Round = Annotated[int, Path(alias="round_", ge=0, le=1000)]


class PartView(BaseModel):
    """`number` counts over all shards; `href` gives the Parquet file."""

    number: int
    shard: int
    rows: int
    sha256: str
    size_bytes: int
    href: str


class ArtefactView(BaseModel):
    record: str
    rows: int
    parts: list[PartView]


@router.get("/adapter", response_class=StreamingResponse)
def get_adapter(job_id: str, round_: Round, parts: PartsDep) -> StreamingResponse:
    """A tar of the adapter's files (`adapter_config.json`, `adapter_model.safetensors`), as peft loads them."""
    with parts.database.snapshot() as session:
        job_named(session, job_id)
        adapter = session.get(Adapter, (job_id, round_))
    if adapter is None:
        raise NotFound(f"round {round_} of {job_id} has no adapter", remedy="Rounds have one once they are trained.")
    keys = parts.store.list(adapter.prefix)
    headers = {"Content-Disposition": f'attachment; filename="{adapter.name}.tar"'}
    return StreamingResponse(tar_of(parts.store, keys, adapter.name), media_type="application/x-tar", headers=headers)


@router.get("/steps/{step}/artefact")
def get_artefact(job_id: str, round_: Round, step: StepName, parts: PartsDep) -> ArtefactView:
    """The artefact's parts over all shards, in order."""
    record, found = _parts(parts, job_id, round_, step)
    base = f"/jobs/{job_id}/rounds/{round_}/steps/{step.value}/artefact/parts"
    views = [
        PartView(
            number=number,
            shard=shard,
            rows=part.rows,
            sha256=part.sha256,
            size_bytes=part.size_bytes,
            href=f"{base}/{number}",
        )
        for number, (shard, part) in enumerate(found)
    ]
    return ArtefactView(record=record, rows=sum(part.rows for _, part in found), parts=views)


@router.get("/steps/{step}/artefact/parts/{number}", response_class=StreamingResponse)
def get_part(job_id: str, round_: Round, step: StepName, number: int, parts: PartsDep) -> StreamingResponse:
    """One Parquet file."""
    _, found = _parts(parts, job_id, round_, step)
    if not 0 <= number < len(found):
        raise NotFound(f"the artefact has {len(found)} parts, and no part {number}", remedy="They count from 0.")
    part = found[number][1]
    headers = {
        "Content-Disposition": f'attachment; filename="{job_id}-r{round_}-{step.value}-{number:05d}.parquet"',
        "Content-Length": str(part.size_bytes),
    }
    return StreamingResponse(parts.store.stream(part.key), media_type="application/vnd.apache.parquet", headers=headers)


def _parts(parts: Parts, job_id: str, round_: int, step: StepName) -> tuple[str, list[tuple[int, Part]]]:
    with parts.database.snapshot() as session:
        job_named(session, job_id)
        keys = _manifest_keys(session, job_id, round_, step)
    if not keys:
        raise NotFound(f"{step.value} of round {round_} of {job_id} has left nothing yet", remedy="Wait until it has.")
    manifests = [(shard, read_manifest(parts.store, key)) for shard, key in keys]
    return manifests[0][1].record, [(shard, part) for shard, manifest in manifests for part in manifest.parts]


def _manifest_keys(session: Session, job_id: str, round_: int, step: StepName) -> list[tuple[int, str]]:
    rows = session.execute(
        select(Step.shard, Artefact.key)
        .join(Artefact, Artefact.step_id == Step.id)
        .where(Step.job_id == job_id, Step.round == round_, Step.step == step.value)
        .order_by(Step.shard)
    )
    return [(shard, key) for shard, key in rows]
