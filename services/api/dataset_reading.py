"""Reads all rows that a data set's view is made of."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.database.models import ConceptBankRow, Dataset, Job, Progress, Step
from services.api.views.datasets import DatasetView, dataset_view


def views_of(session: Session, datasets: Sequence[Dataset]) -> list[DatasetView]:
    ids = [dataset.id for dataset in datasets]
    banks, progress = _newest_banks(session, ids), _progress(session, ids)
    return [dataset_view(dataset, banks.get(dataset.id), progress.get(dataset.id)) for dataset in datasets]


def _newest_banks(session: Session, ids: Sequence[str]) -> dict[str, ConceptBankRow]:
    banks = select(ConceptBankRow).where(ConceptBankRow.dataset_id.in_(ids)).order_by(ConceptBankRow.version)
    return {bank.dataset_id: bank for bank in session.scalars(banks)}


def _progress(session: Session, ids: Sequence[str]) -> dict[str, Progress]:
    of_ingest = (
        select(Job.dataset_id, Progress)
        .join(Step, Step.job_id == Job.id)
        .join(Progress, Progress.step_id == Step.id)
        .where(Job.kind == "ingest", Job.dataset_id.in_(ids))
    )
    return {row.dataset_id: row.Progress for row in session.execute(of_ingest)}
