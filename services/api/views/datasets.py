"""A data set as users see it. Pure but for row types."""

from datetime import datetime
from typing import Any, get_args

from pydantic import BaseModel

from services.api.database.models import ConceptBankRow, Dataset, Progress
from services.api.datasets.listing import ClassName
from shared.types.domain import Domain
from shared.types.records import Split

_LINES_SHOWN = 50


class BankView(BaseModel):
    """`concepts` counts each label's concepts."""

    version: int
    concepts: dict[str, int]


class ProgressView(BaseModel):
    """Images looked at; `percent` in [0, 100). `eta_s` is None until there is something to go by."""

    done: int
    total: int
    percent: float
    images_per_s: float | None
    eta_s: float | None


class DatasetView(BaseModel):
    """`report` holds the first findings of each kind and how many there are; /datasets/{id}/report has them all.
    `domain` is None until the data set was read, `progress` unless it is being validated."""

    id: str
    name: str
    status: str
    source: dict[str, Any]
    layout: str | None
    classes: list[str]
    class_names: list[ClassName]
    domain: Domain | None
    splits: dict[str, int]
    report: dict[str, Any]
    concept_bank: BankView | None
    progress: ProgressView | None
    created_at: datetime
    updated_at: datetime


def dataset_view(dataset: Dataset, bank: ConceptBankRow | None, progress: Progress | None = None) -> DatasetView:
    return DatasetView(
        id=dataset.id,
        name=dataset.name,
        status=dataset.status,
        source=dataset.source,
        layout=dataset.layout,
        classes=dataset.classes,
        class_names=[ClassName.model_validate(each) for each in dataset.class_names],
        domain=Domain.model_validate(dataset.domain) if dataset.domain else None,
        splits={split: dataset.splits[split] for split in get_args(Split) if split in dataset.splits},
        report=_first_lines(dataset.report),
        concept_bank=BankView(version=bank.version, concepts=bank.counts) if bank else None,
        progress=progress_view(progress) if progress and dataset.status == "validating" else None,
        created_at=dataset.created_at,
        updated_at=dataset.updated_at,
    )


def _first_lines(report: dict[str, Any]) -> dict[str, Any]:
    shown = {kind: report.get(kind, [])[:_LINES_SHOWN] for kind in ("errors", "warnings")}
    return {**report, **shown}


def progress_view(row: Progress) -> ProgressView:
    rate = row.metrics.get("images_per_s") or None
    return ProgressView(
        done=row.done,
        total=row.total,
        percent=round(min(100.0 * row.done / row.total, 99.9), 1) if row.total else 0.0,
        images_per_s=rate,
        eta_s=round((row.total - row.done) / rate, 1) if rate and row.total else None,
    )
