"""A job as users see it: the tree of rounds and steps with percent, time left and figures. Pure but for row types."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.api.database.models import Job
from services.api.rounds import Position, chosen_steps, plan
from services.api.views.eta import eta_s
from services.api.views.figures import RoundFigures, best_round, learnt_nothing, round_figures
from services.api.views.steps import ShardRows, StepView, step_view
from shared.errors import ErrorReport
from shared.types.lifecycle import JobStatus, StepName


class PositionView(BaseModel):
    round: int
    step: str


class RoundView(BaseModel):
    """`accuracy` is that of the test split; `adapter` the name under which the round's model is served."""

    round: int
    accuracy: float | None
    adapter: str | None
    figures: RoundFigures
    steps: list[StepView]


class JobFigures(BaseModel):
    """`best_round` is chosen on the validation split; the accuracy is that round's on the test split."""

    best_round: int | None = None
    accuracy: float | None = None
    accuracy_ci: tuple[float, float] | None = None


class JobSummary(BaseModel):
    """`concept_bank_version` is the version that the job uses, or the one that it builds on (None: there was none)."""

    id: str
    kind: str
    status: str
    is_terminal: bool
    dataset: str
    concept_bank_version: int | None
    model: str
    rounds_total: int
    method: str
    seed: int
    metadata: dict[str, str]
    position: PositionView | None
    error: ErrorReport | None
    created_at: datetime
    updated_at: datetime


class JobView(JobSummary):
    """`percent` counts steps; `eta_s` is None until there is something to go by. `best_round` is the one of the best
    validation accuracy, None until there is any; the test split has no say in it."""

    settings: dict[str, Any]
    warnings: list[str]
    percent: float
    eta_s: float | None
    seconds: float | None
    best_round: int | None = None
    figures: JobFigures
    rounds: list[RoundView]


def summary_fields(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "is_terminal": JobStatus(job.status).is_terminal,
        "dataset": job.dataset_id,
        "concept_bank_version": job.concept_bank_version,
        "model": job.model,
        "rounds_total": job.rounds,
        "method": job.method,
        "seed": job.seed,
        "metadata": job.labels,
        "position": PositionView(round=job.round, step=job.step) if job.round is not None and job.step else None,
        "error": ErrorReport.model_validate(job.error) if job.error else None,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


def job_view(
    job: Job, shards: Mapping[Position, Sequence[ShardRows]], adapters: Mapping[int, str], now: datetime
) -> JobView:
    positions = plan(job.kind, job.rounds, chosen_steps(job.settings, job.rounds))
    steps = {at: step_view(at.step.value, shards.get(at, ()), now) for at in positions}
    rounds = [_round_view(r, steps, adapters.get(r)) for r in range(job.rounds + 1)]
    seconds = ((job.ended_at or now) - job.started_at).total_seconds() if job.started_at else None
    figures = _job_figures(rounds)
    return JobView(
        **summary_fields(job),
        settings=job.settings,
        warnings=[*job.warnings, *_warnings_of_result(job, rounds)],
        percent=_percent(job, list(steps.values())),
        eta_s=None if JobStatus(job.status).is_terminal else eta_s(list(steps.values())),
        seconds=round(seconds, 3) if seconds is not None else None,
        best_round=figures.best_round,
        figures=figures,
        rounds=rounds,
    )


def _warnings_of_result(job: Job, rounds: Sequence[RoundView]) -> list[str]:
    found = learnt_nothing({r.round: r.figures for r in rounds}) if job.status == JobStatus.SUCCEEDED else None
    return [found] if found else []


def _round_view(round_: int, steps: Mapping[Position, StepView], adapter: str | None) -> RoundView:
    views: dict[StepName, StepView] = {at.step: view for at, view in steps.items() if at.round == round_}
    figures = round_figures({step: view.figures for step, view in views.items()})
    return RoundView(
        round=round_, accuracy=figures.accuracy, adapter=adapter, figures=figures, steps=list(views.values())
    )


def _job_figures(rounds: Sequence[RoundView]) -> JobFigures:
    best = best_round({r.round: r.figures for r in rounds})
    if best is None:
        return JobFigures()
    return JobFigures(best_round=best, accuracy=rounds[best].accuracy, accuracy_ci=rounds[best].figures.accuracy_ci)


def _percent(job: Job, steps: Sequence[StepView]) -> float:
    if job.status == JobStatus.SUCCEEDED:
        return 100.0
    return round(sum(step.percent for step in steps) / len(steps), 1)
