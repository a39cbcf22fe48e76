"""The versions of a data set's concept bank as rows. A version is never changed; the row's number counts, whatever the
file says."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.database.models import ConceptBankRow, Dataset
from shared.errors import NotFound
from shared.objects import ObjectStore
from shared.types.concepts import ConceptBank


def newest_bank(session: Session, dataset_id: str) -> ConceptBankRow | None:
    banks = select(ConceptBankRow).where(ConceptBankRow.dataset_id == dataset_id)
    return session.scalars(banks.order_by(ConceptBankRow.version.desc()).limit(1)).one_or_none()


def all_banks(session: Session, dataset_id: str) -> list[ConceptBankRow]:
    """Newest first."""
    banks = select(ConceptBankRow).where(ConceptBankRow.dataset_id == dataset_id)
    return list(session.scalars(banks.order_by(ConceptBankRow.version.desc())))


def bank_named(session: Session, dataset_id: str, version: int | None) -> ConceptBankRow:
    """That version, None: the newest. Raises NotFound."""
    if version is None:
        row = newest_bank(session, dataset_id)
    else:
        wanted = ConceptBankRow.dataset_id == dataset_id, ConceptBankRow.version == version
        row = session.scalars(select(ConceptBankRow).where(*wanted)).one_or_none()
    if row is None:
        what = "no concept bank" if version is None else f"no version {version} of its concept bank"
        raise NotFound(
            f"the data set {dataset_id!r} has {what}",
            remedy=f"GET /datasets/{dataset_id}/concepts/versions lists them; POST to /datasets/{dataset_id}/concepts "
            "makes one.",
        )
    return row


def read_bank(store: ObjectStore, row: ConceptBankRow) -> ConceptBank:
    return ConceptBank.model_validate_json(store.get(row.key)).model_copy(update={"version": row.version})


def add_bank(session: Session, dataset: Dataset, key: str, bank: ConceptBank, made: dict[str, Any]) -> ConceptBankRow:
    """The bank at `key` as the next version. The caller has locked the data set's row, so that numbers do not clash."""
    last = newest_bank(session, dataset.id)
    row = ConceptBankRow(
        dataset_id=dataset.id,
        version=last.version + 1 if last else 1,
        key=key,
        counts={label: len(concepts) for label, concepts in bank.concepts.items()},
        made=made,
    )
    session.add(row)
    dataset.updated_at = func.clock_timestamp()
    return row
