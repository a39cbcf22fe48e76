"""One step of one round, its shards taken together. Pure but for the row types it reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.api.database.models import Artefact, Attempt, Progress, Step
from services.api.views.figures import summed
from shared.errors import ErrorReport
from shared.types.lifecycle import StepStatus


@dataclass(frozen=True)
class ShardRows:
    step: Step
    attempts: Sequence[Attempt]
    artefact: Artefact | None
    progress: Progress | None


class StepView(BaseModel):
    """`percent` in [0, 100]; `attempts` of all shards together; `seconds` from the first start to the last end or now;
    `waits_for` tells why one that could begin does not yet; `figures` summed over shards; `metrics` as the running
    step last pushed them."""

    step: str
    status: str = StepStatus.PENDING.value
    percent: float = 0.0
    shards: int = 1
    attempts: int = 0
    seconds: float | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: ErrorReport | None = None
    waits_for: str | None = None
    figures: dict[str, float] = {}
    metrics: dict[str, Any] = {}


def step_view(name: str, shards: Sequence[ShardRows], now: datetime) -> StepView:
    if not shards:
        return StepView(step=name)
    status = _status([shard.step.status for shard in shards])
    starts = [s.step.started_at for s in shards if s.step.started_at]
    ends = [s.step.ended_at for s in shards if s.step.ended_at]
    started, ended = min(starts, default=None), max(ends) if len(ends) == len(shards) else None
    waiting = [s.step.waits_for for s in shards if s.step.waits_for and s.step.status in _NOT_BEGUN]
    errors = [shard.step.error for shard in shards if shard.step.error]
    return StepView(
        step=name,
        status=status,
        percent=round(sum(map(_percent, shards)) / len(shards), 1),
        shards=len(shards),
        attempts=sum(len(shard.attempts) for shard in shards),
        seconds=round(((ended or now) - started).total_seconds(), 3) if started else None,
        started_at=started,
        ended_at=ended,
        error=ErrorReport.model_validate(errors[0]) if errors else None,
        waits_for=waiting[0] if waiting else None,
        figures=summed(shard.artefact.figures for shard in shards if shard.artefact),
        metrics=next((s.progress.metrics for s in shards if s.progress), {}),
    )


def _percent(shard: ShardRows) -> float:
    if shard.step.status == StepStatus.SUCCEEDED:
        return 100.0
    if shard.progress is None or shard.progress.total <= 0:
        return 0.0
    return min(100.0 * shard.progress.done / shard.progress.total, 99.9)


_NOT_BEGUN = (StepStatus.PENDING, StepStatus.QUEUED)
# The status that speaks for all shards: the first of these that any shard has.
_SPEAKING = (
    StepStatus.FAILED,
    StepStatus.RUNNING,
    StepStatus.QUEUED,
    StepStatus.PENDING,
    StepStatus.CANCELLED,
    StepStatus.SUCCEEDED,
)


def _status(statuses: Sequence[str]) -> str:
    return next(status.value for status in _SPEAKING if status.value in statuses)
