"""Makes a job out of a request: preflight, idempotency, rows. Moves nothing: reconcile does."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.api.benchmarks import check_benchmark
from services.api.database.models import ConceptBankRow, Dataset, IdempotencyKey, Job
from services.api.events import tell_job
from services.api.ids import new_id
from services.api.job_reading import view_of
from services.api.preflight import (
    JobRequest,
    check_dataset,
    check_instructions,
    check_judge,
    check_model,
    check_sleep,
    check_stopping,
    parse,
    warnings_of,
)
from services.api.problems import Problem
from services.api.wiring import Parts
from shared.job_settings import JobSettings, resolve
from shared.types.domain import Domain
from shared.types.lifecycle import JobStatus


@dataclass(frozen=True)
class Answer:
    job_id: str
    body: dict[str, Any]


def submit(parts: Parts, body: Any, key: str | None) -> Answer:
    """The same key with the same body gives the first answer again; with another body it is refused."""
    sha256 = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    if key and (known := _known(parts, key, sha256)):
        return known
    request, settings = parse(body, parts.settings.max_lora_rank)
    with parts.database.snapshot() as session:
        check_stopping(settings, check_dataset(session, request.dataset)[0])
        check_instructions(session, settings)
    check_model(request.model, parts.served.names())
    check_sleep(settings, parts.engines)
    check_judge(settings, parts.settings)
    check_benchmark(settings, parts.settings.benchmark_tasks)
    try:
        return _make(parts, request, key, sha256)
    except IntegrityError:
        # The same key came twice at once, and the other request was first.
        known = _known(parts, key, sha256) if key else None
        if known is None:
            raise
        return known


def _known(parts: Parts, key: str, sha256: str) -> Answer | None:
    with parts.database.snapshot() as session:
        row = session.get(IdempotencyKey, key)
    if row is None:
        return None
    if row.request_sha256 != sha256:
        raise Problem(
            "idempotency_key_reused",
            f"the Idempotency-Key {key!r} belongs to another request, which made {row.job_id}",
            remedy="Send a new key with a new request.",
        )
    return Answer(row.job_id, row.answer)


def _make(parts: Parts, request: JobRequest, key: str | None, sha256: str) -> Answer:
    with parts.database.transaction() as session:
        dataset, bank = check_dataset(session, request.dataset)
        job = _row(request, dataset, bank)
        session.add(job)
        session.flush()
        tell_job(session, job, "job.queued", "the job was posted")
        answer = _answer(session, job)
        if key:
            session.add(IdempotencyKey(key=key, request_sha256=sha256, job_id=job.id, answer=answer.body))
    return answer


def _row(request: JobRequest, dataset: Dataset, bank: ConceptBankRow) -> Job:
    return Job(
        id=new_id("job"),
        kind="tuning",
        status=JobStatus.QUEUED,
        dataset_id=dataset.id,
        concept_bank=bank.key,
        concept_bank_version=bank.version,
        model=request.model,
        rounds=request.rounds,
        method=request.method,
        seed=request.seed,
        settings=_settings(request, dataset).model_dump(mode="json"),
        labels=request.metadata,
        warnings=warnings_of(bank, dataset),
    )


def _settings(request: JobRequest, dataset: Dataset) -> JobSettings:
    """A data set that was validated before domains were kept has none."""
    domain = Domain.model_validate(dataset.domain) if dataset.domain else None
    return resolve(request.method, request.settings, domain)


def _answer(session: Session, job: Job) -> Answer:
    return Answer(job.id, view_of(session, job).model_dump(mode="json"))
