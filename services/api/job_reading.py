"""Reads all rows that a job's view is made of."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.database.models import Adapter, Artefact, Attempt, Job, Progress, Step
from services.api.rounds import Position
from services.api.views.figures import Counts, round_figures, summed
from services.api.views.jobs import JobView, job_view
from services.api.views.steps import ShardRows
from shared.types.lifecycle import StepName


def view_of(session: Session, job: Job) -> JobView:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    adapters = session.scalars(select(Adapter).where(Adapter.job_id == job.id))
    return job_view(job, _shards(session, job.id), {a.round: a.name for a in adapters}, now)


def validation_accuracies(session: Session, job_id: str) -> dict[int, float | None]:
    """Of each round whose evaluation is done, in all shards."""
    rows = session.execute(
        select(Step.round, Step.shards, Artefact.figures)
        .join(Artefact, Artefact.step_id == Step.id)
        .where(Step.job_id == job_id, Step.step == StepName.EVALUATE.value)
    )
    found: dict[int, list[Counts]] = defaultdict(list)
    shards: dict[int, int] = {}
    for round_, shards[round_], figures in rows:
        found[round_].append(figures)
    return {
        round_: round_figures({StepName.EVALUATE: summed(counts)}).validation_accuracy
        for round_, counts in found.items()
        if len(counts) == shards[round_]
    }


def _shards(session: Session, job_id: str) -> dict[Position, list[ShardRows]]:
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    of_job = select(Attempt).join(Step, Step.id == Attempt.step_id).where(Step.job_id == job_id)
    for attempt in session.scalars(of_job.order_by(Attempt.number)):
        attempts[attempt.step_id].append(attempt)
    rows = session.execute(
        select(Step, Artefact, Progress)
        .outerjoin(Artefact, Artefact.step_id == Step.id)
        .outerjoin(Progress, Progress.step_id == Step.id)
        .where(Step.job_id == job_id)
        .order_by(Step.shard)
    )
    found: dict[Position, list[ShardRows]] = defaultdict(list)
    for step, artefact, progress in rows:
        at = Position(step.round, StepName(step.step))
        found[at].append(ShardRows(step, attempts[step.id], artefact, progress))
    return found
