"""Puts a job's report together, from rows and artefacts. Works on a job in any state: of what is done so far."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from services.api.database.connection import Database
from services.api.report import choosing
from services.api.report.answers import Answers, read_answers
from services.api.report.benchmark import benchmark
from services.api.report.choosing import Chosen
from services.api.report.contents import (
    ExampleReport,
    Lineage,
    LossCurve,
    Report,
    RoundReport,
    RoundStatistics,
    StepCost,
)
from services.api.report.encoders import encoders_of
from services.api.report.pictures import thumbnail
from services.api.report.rows import ReportRows, read_rows_of
from services.api.report.shares import explanation, selection
from services.api.report.statistics import round_statistics
from services.api.report.suspects import suspects_of
from services.api.rounds import Position
from services.api.views.jobs import RoundView
from shared.artefacts import read_rows
from shared.job_settings import resolve
from shared.objects import ObjectStore
from shared.types.concepts import ConceptBank
from shared.types.domain import Domain
from shared.types.lifecycle import StepName
from shared.types.records import Example, LossPoint, SuspectLabel

_MOST_POINTS = 200


def report_of(database: Database, store: ObjectStore, job_id: str) -> Report:
    """Raises NotFound, or InvalidInput for a job that trains no model."""
    with database.snapshot() as session:
        rows = read_rows_of(session, job_id)
    job, view = rows.job, rows.view
    rounds = [_round(rows, store, entry) for entry in view.rounds]
    return Report(
        job=job.id,
        status=view.status,
        is_final=view.is_terminal,
        ended=rows.ended,
        error=view.error,
        model=job.model,
        method=job.method,
        seed=job.seed,
        created_at=job.created_at,
        made_at=rows.now,
        seconds=view.seconds,
        worker_seconds=round(sum(rows.worker_seconds.values()), 3),
        warnings=view.warnings,
        best_round=view.best_round,
        rounds=[entry for entry in rounds if any(step.attempts for step in entry.steps)],
        examples=_examples(rows, store),
        suspect_labels=_suspects(rows, store),
        settings=job.settings,
        changed_settings=_changed_settings(rows),
        metadata=job.labels,
        lineage=_lineage(rows, store),
    )


def _round(rows: ReportRows, store: ObjectStore, entry: RoundView) -> RoundReport:
    figures = {StepName(step.step): step.figures for step in entry.steps}
    losses = rows.done.get(Position(entry.round, StepName.TRAIN), ())
    return RoundReport(
        round=entry.round,
        adapter=entry.adapter,
        statistics=_statistics_of(rows, store, entry.round),
        selection=selection(figures),
        explanation=explanation(figures.get(StepName.EVALUATE, {})),
        benchmark=benchmark(store, rows.done, entry.round),
        loss=_loss(store, losses) if losses else None,
        steps=[
            StepCost(
                worker_seconds=round(rows.worker_seconds.get(Position(entry.round, StepName(step.step)), 0.0), 3),
                **step.model_dump(include={"step", "status", "seconds", "attempts", "shards", "figures"}),
            )
            for step in entry.steps
        ],
    )


def _statistics_of(rows: ReportRows, store: ObjectStore, round_: int) -> RoundStatistics | None:
    own, before = (rows.done.get(Position(r, StepName.EVALUATE), ()) for r in (round_, round_ - 1))
    return _statistics(store, own, before, round_ - 1, rows.dataset.examples) if own else None


@lru_cache(maxsize=256)
def _statistics(
    store: ObjectStore, own: Sequence[str], before: Sequence[str], before_round: int, examples: str
) -> RoundStatistics:
    """Artefacts never change, so this may be kept."""
    groups = {key: example.group for key, example in _by_id(store, examples).items()}
    earlier = read_answers(store, before) if before else None
    return round_statistics(read_answers(store, own), earlier, before_round, groups)


@lru_cache(maxsize=4)
def _by_id(store: ObjectStore, examples: str) -> Mapping[str, Example]:
    """The held-out ones."""
    return {row.id: row for row in read_rows(store, [examples], Example) if row.split != "train"}


@lru_cache(maxsize=256)
def _loss(store: ObjectStore, keys: Sequence[str]) -> LossCurve:
    points = [(row.step, row.loss) for row in read_rows(store, keys, LossPoint)]
    stride = max(1, len(points) // _MOST_POINTS)
    return LossCurve(points=points[::stride])


def _examples(rows: ReportRows, store: ObjectStore) -> list[ExampleReport]:
    """Best and worst of the best round, or else of the last; what changed in the last one."""
    measured = sorted(at.round for at in rows.done if at.step == StepName.EVALUATE)
    if not measured or rows.dataset.examples is None:
        return []
    bank = ConceptBank.model_validate_json(store.get(rows.bank.key)).concepts if rows.bank else {}
    last = measured[-1]
    shown = last if rows.view.best_round is None else rows.view.best_round
    answers = {r: _answers(rows, store, r) for r in {shown, last, last - 1} & set(measured)}
    chosen = [(shown, each) for each in choosing.best_and_worst(answers[shown].of("test"), bank)]
    if last - 1 in answers:
        turned = choosing.changed(answers[last].of("test"), answers[last - 1].of("test"), bank)
        chosen += [(last, each) for each in turned]
    images = _by_id(store, rows.dataset.examples)
    return [_example(rows, store, images, round_, each) for round_, each in chosen]


def _suspects(rows: ReportRows, store: ObjectStore) -> list[SuspectLabel]:
    """As the last round's selection has them: its model knows the classes best."""
    rounds = [at for at in rows.done if at.step == StepName.SELECT_ANSWERS]
    return suspects_of(store, rows.done[max(rounds)]) if rounds else []


def _answers(rows: ReportRows, store: ObjectStore, round_: int) -> Answers:
    return read_answers(store, rows.done[Position(round_, StepName.EVALUATE)])


def _example(
    rows: ReportRows, store: ObjectStore, images: Mapping[str, Example], round_: int, chosen: Chosen
) -> ExampleReport:
    row = chosen.row
    return ExampleReport(
        kind=chosen.kind,
        round=round_,
        example_id=row.example_id,
        href=f"/datasets/{rows.dataset.id}/images/{quote(row.example_id)}",
        image=thumbnail(store, images[row.example_id].image_key) if row.example_id in images else None,
        label=row.label,
        predicted=row.predicted,
        answer=row.answer,
        before=chosen.before,
        concepts=chosen.concepts,
    )


def _changed_settings(rows: ReportRows) -> dict[str, Any]:
    """Against what the method gives for this data set."""
    domain = Domain.model_validate(rows.dataset.domain) if rows.dataset.domain else None
    usual = _flat(resolve(rows.job.method, {}, domain).model_dump(mode="json"))
    return {name: value for name, value in _flat(rows.job.settings).items() if usual.get(name) != value}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def _lineage(rows: ReportRows, store: ObjectStore) -> Lineage:
    dataset, bank = rows.dataset, rows.bank
    return Lineage(
        dataset={
            "id": dataset.id, "name": dataset.name, "source": dataset.source, "layout": dataset.layout,
            "classes": len(dataset.classes), "splits": dataset.splits, "examples": dataset.examples,
        },
        concept_bank={"version": bank.version, "key": bank.key, "made": bank.made} if bank else {},
        encoders=encoders_of(store, rows.done),
        artefacts=list(rows.artefacts),
        adapters=list(rows.adapters),
    )  # fmt: skip
