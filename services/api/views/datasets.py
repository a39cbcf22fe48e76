"""A data set as users see it. Pure but for row types."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.api.database.models import ConceptBankRow, Dataset


class BankView(BaseModel):
    """`concepts` counts each label's concepts."""

    version: int
    concepts: dict[str, int]


class DatasetView(BaseModel):
    id: str
    name: str
    status: str
    source: dict[str, Any]
    layout: str | None
    classes: list[str]
    splits: dict[str, int]
    report: dict[str, Any]
    concept_bank: BankView | None
    created_at: datetime
    updated_at: datetime


def dataset_view(dataset: Dataset, bank: ConceptBankRow | None) -> DatasetView:
    return DatasetView(
        id=dataset.id,
        name=dataset.name,
        status=dataset.status,
        source=dataset.source,
        layout=dataset.layout,
        classes=dataset.classes,
        splits=dataset.splits,
        report=dataset.report or {"errors": [], "warnings": []},
        concept_bank=BankView(version=bank.version, concepts=bank.counts) if bank else None,
        created_at=dataset.created_at,
        updated_at=dataset.updated_at,
    )
