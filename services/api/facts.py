"""Collects what `inputs` needs to know about a job from its rows."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.database.models import Adapter, Artefact, Dataset, Job, Step
from services.api.inputs import JobFacts, Keys
from services.api.rounds import Position
from shared.types.lifecycle import StepName


def facts_of(session: Session, job: Job, lease_s: float) -> JobFacts:
    dataset = session.get_one(Dataset, job.dataset_id)
    adapters = session.scalars(select(Adapter).where(Adapter.job_id == job.id))
    return JobFacts(
        job_id=job.id,
        dataset_id=job.dataset_id,
        model=job.model,
        seed=job.seed,
        params=job.settings,
        lease_s=lease_s,
        traceparent=job.traceparent,
        examples=(dataset.examples,) if dataset.examples else (),
        concept_bank=(job.concept_bank,) if job.concept_bank else (),
        instructions=_instructions(session, job),
        artefacts=_artefacts(session, job.id),
        adapters={adapter.round: adapter.prefix for adapter in adapters},
    )


def _instructions(session: Session, job: Job) -> Keys:
    wanted = job.settings.get("train", {}).get("instruction_data")
    dataset = session.get_one(Dataset, wanted["dataset"]) if wanted else None
    return (dataset.examples,) if dataset and dataset.examples else ()


def _artefacts(session: Session, job_id: str) -> dict[Position, Keys]:
    """Manifest keys in shard order."""
    rows = session.execute(
        select(Step.round, Step.step, Artefact.key)
        .join(Artefact, Artefact.step_id == Step.id)
        .where(Step.job_id == job_id)
        .order_by(Step.shard)
    )
    found: dict[Position, Keys] = {}
    for round_, step, key in rows:
        at = Position(round_, StepName(step))
        found[at] = (*found.get(at, ()), key)
    return found
