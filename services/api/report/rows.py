"""What a report needs of the database, in one consistent view. Reads rows only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.database.models import Adapter, Artefact, Attempt, ConceptBankRow, Dataset, Event, Job, Step
from services.api.job_reading import view_of
from services.api.named import job_named
from services.api.report.contents import AdapterLine, ArtefactLine
from services.api.rounds import Position
from services.api.views.jobs import JobView
from shared.errors import InvalidInput
from shared.types.lifecycle import StepName, StepStatus


@dataclass(frozen=True)
class ReportRows:
    """`done` holds the manifests' keys, in shard order, of the steps that are done in all shards; `worker_seconds`
    those of all attempts so far; `ended` what the job's last event says, once it is over."""

    job: Job
    view: JobView
    dataset: Dataset
    bank: ConceptBankRow | None
    done: Mapping[Position, tuple[str, ...]]
    artefacts: Sequence[ArtefactLine]
    adapters: Sequence[AdapterLine]
    worker_seconds: Mapping[Position, float]
    ended: str | None
    now: datetime


def read_rows_of(session: Session, job_id: str) -> ReportRows:
    """Raises NotFound, or InvalidInput for a job that trains no model."""
    job = job_named(session, job_id)
    if job.kind != "tuning":
        raise InvalidInput(
            f"{job_id} trains no model, so there is no report of it", remedy="Name a job that tunes one."
        )
    lines, done = _artefacts(session, job_id)
    adapters = session.scalars(select(Adapter).where(Adapter.job_id == job_id).order_by(Adapter.round))
    return ReportRows(
        job=job,
        view=view_of(session, job),
        dataset=session.get_one(Dataset, job.dataset_id),
        bank=_bank(session, job),
        done=done,
        artefacts=lines,
        adapters=[AdapterLine.model_validate(row, from_attributes=True) for row in adapters],
        worker_seconds=_worker_seconds(session, job_id),
        ended=_last_words(session, job),
        now=session.scalars(select(func.clock_timestamp())).one(),
    )


def _artefacts(session: Session, job_id: str) -> tuple[list[ArtefactLine], dict[Position, tuple[str, ...]]]:
    lines: list[ArtefactLine] = []
    done: dict[Position, tuple[str, ...]] = {}
    rows = session.execute(
        select(Step, Artefact)
        .join(Artefact, Artefact.step_id == Step.id)
        .where(Step.job_id == job_id, Step.status == StepStatus.SUCCEEDED.value)
        .order_by(Artefact.created_at, Step.shard)
    ).all()
    for step, made in sorted(rows, key=lambda row: row[0].shard):
        at = Position(step.round, StepName(step.step))
        done[at] = (*done.get(at, ()), made.key)
    for step, made in rows:
        lines.append(
            ArtefactLine(
                round=step.round, step=step.step, shard=step.shard, key=made.key, sha256=made.sha256, rows=made.rows
            )
        )
    whole = {Position(step.round, StepName(step.step)): step.shards for step, _ in rows}
    return lines, {at: keys for at, keys in done.items() if len(keys) == whole[at]}


def _bank(session: Session, job: Job) -> ConceptBankRow | None:
    own = select(ConceptBankRow).where(
        ConceptBankRow.dataset_id == job.dataset_id, ConceptBankRow.version == job.concept_bank_version
    )
    return session.scalars(own).one_or_none()


def _worker_seconds(session: Session, job_id: str) -> dict[Position, float]:
    """A living attempt counts until now."""
    lasted = func.coalesce(Attempt.ended_at, func.clock_timestamp()) - Attempt.started_at
    rows = session.execute(
        select(Step.round, Step.step, func.extract("epoch", lasted))
        .join(Attempt, Attempt.step_id == Step.id)
        .where(Step.job_id == job_id, Attempt.started_at.is_not(None))
    )
    found: dict[Position, float] = defaultdict(float)
    for round_, step, seconds in rows:
        found[Position(round_, StepName(step))] += float(seconds)
    return found


def _last_words(session: Session, job: Job) -> str | None:
    if job.ended_at is None:
        return None
    told = select(Event.message).where(Event.job_id == job.id, Event.kind == f"job.{job.status}")
    return session.scalars(told.order_by(Event.id.desc()).limit(1)).one_or_none()
