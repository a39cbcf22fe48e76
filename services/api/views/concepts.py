"""A concept bank as users see it: each concept with its origin, what was taken out, and what it cost. Pure but for row
types."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.api.database.models import ConceptBankRow
from shared.types.concepts import BankSource, ConceptBank, Removed


class ConceptView(BaseModel):
    """`source` is the id of one of the bank's sources; `images` counts those in which a model saw the concept."""

    concept: str
    source: str | None
    images: int | None


class Cost(BaseModel):
    """Tokens as the endpoints reported them."""

    prompt_tokens: int
    completion_tokens: int


class BankSummary(BaseModel):
    """`made` tells how: the source, the job, the version it started from, what stayed empty or short, findings."""

    dataset: str
    version: int
    created_at: datetime
    counts: dict[str, int]
    missing: list[str]
    made: dict[str, Any]


class BankDetail(BankSummary):
    concepts: dict[str, list[ConceptView]]
    sources: list[BankSource]
    removed: list[Removed]
    cost: Cost


def bank_summary(row: ConceptBankRow) -> BankSummary:
    return BankSummary(**_summary(row))


def bank_detail(row: ConceptBankRow, bank: ConceptBank) -> BankDetail:
    return BankDetail(
        **_summary(row),
        concepts={label: [_concept(bank, label, c) for c in concepts] for label, concepts in bank.concepts.items()},
        sources=list(bank.sources),
        removed=list(bank.removed),
        cost=Cost(
            prompt_tokens=sum(source.prompt_tokens for source in bank.sources),
            completion_tokens=sum(source.completion_tokens for source in bank.sources),
        ),
    )


def _summary(row: ConceptBankRow) -> dict[str, Any]:
    return {
        "dataset": row.dataset_id,
        "version": row.version,
        "created_at": row.created_at,
        "counts": row.counts,
        "missing": sorted(label for label, count in row.counts.items() if not count),
        "made": row.made,
    }


def _concept(bank: ConceptBank, label: str, concept: str) -> ConceptView:
    origin = bank.origin(label, concept)
    return ConceptView(
        concept=concept, source=origin.source if origin else None, images=origin.images if origin else None
    )
