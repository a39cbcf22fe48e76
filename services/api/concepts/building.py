"""Makes a job that builds a concept bank. All that can be known to fail is refused here; reconcile moves the job."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from services.api.concepts.requests import Building, FromEndpoint, FromOwnModel
from services.api.concepts.versions import newest_bank
from services.api.database.models import ConceptBankRow, Dataset, Job
from services.api.events import tell_job
from services.api.ids import new_id
from services.api.inputs import classes_key
from services.api.named import dataset_named
from services.api.preflight import check_model
from services.api.problems import Problem
from services.api.wiring import Parts
from shared.concepts.labels import ConceptClass, match
from shared.endpoints.addresses import resolve
from shared.types.concept_job import ConceptClasses, ConceptJob
from shared.types.domain import Domain
from shared.types.lifecycle import JobStatus


def classes_of(dataset: Dataset) -> list[ConceptClass]:
    """Raises Problem while the classes are not known yet."""
    if dataset.status == "validating":
        raise Problem("dataset_not_ready", f"{dataset.id!r} is being validated", remedy="Wait until it is ready.")
    named = {each["label"]: ConceptClass.model_validate(each) for each in dataset.class_names}
    return [named.get(label) or ConceptClass(label=label) for label in dataset.classes]


def build_bank(parts: Parts, dataset_id: str, request: Building) -> str:
    """The id of the job. Raises NotFound, Problem, EndpointNotAllowed or EngineUnavailable."""
    with parts.database.snapshot() as session:
        classes = classes_of(_ready(session, dataset_id, request))
    asked = _asked(request.labels, classes)
    base_url = None
    if isinstance(request, FromEndpoint):
        settings = parts.settings
        base_url = resolve(request.base_url, request.secret, settings.concept_endpoints, settings.concept_open_urls)
    elif isinstance(request, FromOwnModel):
        check_model(request.model, parts.served.names())
    job_id = new_id("con")
    body = ConceptClasses(classes=tuple(classes), asked=tuple(asked)).model_dump_json()
    parts.store.put(classes_key(job_id), body.encode())
    with parts.database.transaction() as session:
        dataset = _ready(session, dataset_id, request)
        job = _row(job_id, dataset, request, base_url, newest_bank(session, dataset_id))
        session.add(job)
        session.flush()
        tell_job(session, job, "job.queued", f"a concept bank for {len(asked)} classes was asked for")
    return job_id


def _ready(session: Session, dataset_id: str, request: Building) -> Dataset:
    dataset = dataset_named(session, dataset_id)
    if request.source == "own" and dataset.status != "ready":
        raise Problem("dataset_not_ready", f"{dataset_id!r} is {dataset.status}", remedy="See its report.")
    if request.source == "newest" and newest_bank(session, dataset_id) is None:
        raise Problem(
            "concept_bank_incomplete",
            f"{dataset_id!r} has no concept bank to clean",
            remedy="Build or set one first: `selfsynth datasets concepts --help`.",
        )
    return dataset


def _asked(labels: Sequence[str] | None, classes: Sequence[ConceptClass]) -> list[str]:
    if labels is None:
        return [each.label for each in classes]
    matched = match({label: [label] for label in labels}, classes)
    if strangers := [*matched.unknown, *matched.ambiguous]:
        raise Problem(
            "labels_unknown",
            f"these are no classes of the data set: {', '.join(strangers[:20])}",
            remedy="Name classes as GET /datasets/{id} lists them.",
        )
    return [label for label, found in matched.concepts.items() if found]


def _row(job_id: str, dataset: Dataset, request: Building, base_url: str | None, base: ConceptBankRow | None) -> Job:
    settings = ConceptJob(
        domain=Domain.model_validate(dataset.domain),
        **request.model_dump(exclude={"seed", "base_url"}),
        base_url=base_url,
    )
    return Job(
        id=job_id,
        kind=f"concepts_{request.source}",
        status=JobStatus.QUEUED,
        dataset_id=dataset.id,
        concept_bank=base.key if base else None,
        concept_bank_version=base.version if base else None,
        model=settings.model,
        rounds=0,
        method="default",
        seed=request.seed,
        settings=settings.model_dump(mode="json", exclude_none=True),
        labels={},
        warnings=[],
    )
