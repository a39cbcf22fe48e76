"""Reads figures of jobs and steps from the database. Knows tables, no Prometheus.

Counts are of rows, and rows are never deleted: so they only grow, whoever restarts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, extract, func, select
from sqlalchemy.orm import Session, aliased

from services.api.database.models import Attempt, Job, Progress, Step
from shared.types.lifecycle import QUEUE_OF_STEP, QueueName, StepName

Labels = tuple[str, ...]
Counts = dict[Labels, float]


@dataclass(frozen=True)
class Spread:
    """How many were at most as long as each bound, in the bounds' order; of `count` in all, `total_s` long together."""

    within: tuple[int, ...]
    count: int
    total_s: float


def counted(session: Session, *columns: Any) -> Counts:
    """Rows by the columns' values."""
    rows = session.execute(select(*columns, func.count()).group_by(*columns))
    return {tuple(row[:-1]): row[-1] for row in rows}


def job_seconds(session: Session, bounds: Sequence[float]) -> dict[Labels, Spread]:
    ended = select(Job.kind, Job.status).where(Job.ended_at.is_not(None)).group_by(Job.kind, Job.status)
    return _spreads(session, ended, _seconds(Job.created_at, Job.ended_at), bounds)


def attempts(session: Session) -> Counts:
    """Those that are over, by step and outcome."""
    over = select(Step.step, Attempt.outcome, func.count()).join(Step, Step.id == Attempt.step_id)
    rows = session.execute(over.where(Attempt.outcome.is_not(None)).group_by(Step.step, Attempt.outcome))
    return {(step, str(outcome)): count for step, outcome, count in rows}


def attempt_seconds(session: Session, bounds: Sequence[float]) -> dict[Labels, Spread]:
    over = select(Step.step, Attempt.outcome).join(Step, Step.id == Attempt.step_id)
    over = over.where(Attempt.started_at.is_not(None), Attempt.outcome.is_not(None))
    grouped = over.group_by(Step.step, Attempt.outcome)
    return _spreads(session, grouped, _seconds(Attempt.started_at, Attempt.ended_at), bounds)


def wait_seconds(session: Session, bounds: Sequence[float]) -> dict[Labels, Spread]:
    begun = select(Step.step).join(Attempt, Step.id == Attempt.step_id).where(Attempt.started_at.is_not(None))
    return _spreads(session, begun.group_by(Step.step), _seconds(Attempt.queued_at, Attempt.started_at), bounds)


def lease_expiries(session: Session) -> Counts:
    lost = and_(Attempt.outcome == "lost", Attempt.started_at.is_not(None), Attempt.ended_at > Attempt.lease_until)
    return _by_step(session, func.count(), lost)


def retries(session: Session) -> Counts:
    before = aliased(Attempt)
    followed = and_(before.step_id == Attempt.step_id, before.number == Attempt.number - 1)
    made = select(Step.step, func.count()).join(Attempt, Step.id == Attempt.step_id).join(before, followed)
    rows = session.execute(made.where(before.outcome.in_(("failed", "lost"))).group_by(Step.step))
    return {(step,): count for step, count in rows}


def resends(session: Session) -> Counts:
    return _by_step(session, func.sum(Attempt.sends - 1), Attempt.sends > 1)


def queue_ages_s(session: Session) -> Counts:
    """By queue, of those in which an attempt waits."""
    age = extract("epoch", func.clock_timestamp() - func.min(Attempt.queued_at))
    waiting = and_(Attempt.started_at.is_(None), Attempt.outcome.is_(None))
    ages: dict[Labels, float] = {(queue.value,): 0.0 for queue in QueueName}
    for (step,), age_s in _by_step(session, age, waiting).items():
        queue = (QUEUE_OF_STEP[StepName(step)].value,)
        ages[queue] = max(ages[queue], age_s)
    return ages


def running(session: Session) -> Iterable[tuple[Labels, Progress]]:
    """What the running attempts pushed last, with job, round, step and shard."""
    alive = and_(Attempt.step_id == Step.id, Attempt.number == Progress.attempt, Attempt.outcome.is_(None))
    rows = session.execute(select(Step, Progress).join(Progress, Progress.step_id == Step.id).join(Attempt, alive))
    return [((s.job_id, str(s.round), s.step, str(s.shard)), progress) for s, progress in rows]


def _by_step(session: Session, value: ColumnElement[Any], where: ColumnElement[bool]) -> Counts:
    rows = session.execute(
        select(Step.step, value).join(Attempt, Step.id == Attempt.step_id).where(where).group_by(Step.step)
    )
    return {(step,): float(found) for step, found in rows}


def _seconds(begun: Any, ended: Any) -> ColumnElement[Any]:
    return extract("epoch", ended - begun)


def _spreads(
    session: Session, groups: Select[*tuple[Any, ...]], seconds: ColumnElement[Any], bounds: Sequence[float]
) -> dict[Labels, Spread]:
    within = [func.count().filter(seconds <= bound) for bound in bounds]
    rows: Iterable[Row[Any]] = session.execute(groups.add_columns(func.count(), func.sum(seconds), *within))
    labels = len(groups.selected_columns)
    return {tuple(r[:labels]): Spread(tuple(r[labels + 2 :]), r[labels], float(r[labels + 1])) for r in rows}
