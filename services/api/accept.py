"""What follows from an accepted artefact: its row, a round's adapter, a data set's examples. Writes within the caller's
transaction; reads the object store before it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from services.api.concepts.versions import add_bank
from services.api.database.models import Adapter, Artefact, Dataset, Job, Step
from shared.artefacts import Manifest, ManifestRef
from shared.errors import NotFound, SystemFault
from shared.objects import ObjectStore
from shared.types.concepts import ConceptBank
from shared.types.lifecycle import StepName
from shared.types.tasks import adapter_name

_WITH_BANK = ("Example", "CleanedConcept")


class InvalidManifest(SystemFault):
    code = "invalid_manifest"


@dataclass(frozen=True)
class Accepted:
    """A manifest whose bytes have been read and compared with the hash that the worker told."""

    ref: ManifestRef
    manifest: Manifest
    bank: ConceptBank | None = None

    @property
    def summary(self) -> str:
        """What the job's events say of it."""
        return ", ".join((f"{self.manifest.rows} rows", *_remarks(self.manifest.figures)))


def _remarks(figures: Mapping[str, float]) -> Iterator[str]:
    """What a user should know of a step that succeeded all the same."""
    failed = (c for name, c in figures.items() if name.endswith("failed") and not name.startswith("rejected_"))
    if count := int(sum(failed)):
        yield f"{count} of them without an answer of the engine"
    if count := int(figures.get("undescribed", 0)):
        yield f"{count} of the {int(figures['examples'])} training images left out, for want of a description"
    if count := int(figures.get("fallbacks", 0)):
        yield f"{count} of the {int(figures['pairs'])} QA pairs are fallbacks that only name the label"
    if count := int(figures.get("rejected_fallback_capped", 0)):
        yield f"{count} more fallbacks left out: of all pairs they would have been more than max_fallback_share"
    if count := int(figures.get("rejected_repeats", 0)):
        yield f"{count} answers rejected that repeat themselves"


def verify(store: ObjectStore, step_id: str, ref: ManifestRef) -> Accepted:
    """Read the manifest. Raises InvalidManifest when it is missing, another's, or not what the worker told."""
    try:
        body = store.get(ref.key)
    except NotFound:
        raise _invalid(f"the manifest {ref.key} is not in the object store") from None
    if hashlib.sha256(body).hexdigest() != ref.sha256:
        raise _invalid(f"the manifest {ref.key} differs from what the worker told")
    manifest = Manifest.model_validate_json(body)
    if manifest.step_id != step_id:
        raise _invalid(f"the manifest {ref.key} belongs to {manifest.step_id}, not to {step_id}")
    bank_key = manifest.extra.get("concept_bank") if manifest.record in _WITH_BANK else None
    bank = ConceptBank.model_validate_json(store.get(bank_key)) if bank_key else None
    return Accepted(ref, manifest, bank)


def accept(session: Session, job: Job, step: Step, attempt: int, accepted: Accepted) -> None:
    manifest, ref = accepted.manifest, accepted.ref
    session.add(
        Artefact(
            step_id=step.id,
            attempt=attempt,
            key=ref.key,
            sha256=ref.sha256,
            rows=manifest.rows,
            figures=dict(manifest.figures),
        )
    )
    if step.step == StepName.TRAIN:
        adapter = _adapter(manifest)
        name = adapter_name(job.id, step.round)
        session.add(Adapter(job_id=job.id, round=step.round, name=name, **adapter))
    if step.step == StepName.INGEST:
        _fill_dataset(session, job, accepted)
    if step.step == StepName.CLEAN_CONCEPTS:
        dataset = session.get_one(Dataset, job.dataset_id, with_for_update=True)
        add_bank(session, dataset, accepted.manifest.extra["concept_bank"], _bank_of(accepted), _made_by(job, accepted))


def _adapter(manifest: Manifest) -> dict[str, Any]:
    adapter = manifest.extra.get("adapter")
    if not isinstance(adapter, dict) or not {"prefix", "sha256"} <= adapter.keys():
        raise _invalid(f"the manifest of {manifest.step_id} names no adapter")
    return {"prefix": adapter["prefix"], "sha256": adapter["sha256"]}


def _fill_dataset(session: Session, job: Job, accepted: Accepted) -> None:
    extra = accepted.manifest.extra
    dataset = session.get_one(Dataset, job.dataset_id)
    dataset.report = extra["report"]
    dataset.status = "invalid" if dataset.report["errors"] else "ready"
    dataset.layout, dataset.classes, dataset.splits = extra["layout"], extra["classes"], extra["splits"]
    dataset.class_names, dataset.domain = extra["class_names"], extra["domain"]
    dataset.examples = accepted.ref.key
    dataset.updated_at = func.clock_timestamp()
    if accepted.bank:
        add_bank(session, dataset, extra["concept_bank"], accepted.bank, {"source": "dataset", "job": job.id})


def _bank_of(accepted: Accepted) -> ConceptBank:
    if accepted.bank is None:
        raise _invalid(f"the manifest of {accepted.manifest.step_id} names no concept bank")
    return accepted.bank


def _made_by(job: Job, accepted: Accepted) -> dict[str, Any]:
    return {**accepted.manifest.extra.get("made", {}), "base_version": job.concept_bank_version}


def _invalid(message: str) -> InvalidManifest:
    return InvalidManifest(message, remedy="This is a fault of the step's code or of the object store.")
