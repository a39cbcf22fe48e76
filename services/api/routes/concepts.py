"""A data set's concept bank: give a new version."""

from typing import Annotated

from fastapi import APIRouter, Body
from sqlalchemy import func

from services.api.database.models import ConceptBankRow
from services.api.datasets.request import Concepts
from services.api.ingest import bank_key
from services.api.preflight import newest_bank
from services.api.problems import Problem
from services.api.routes.dependencies import PROBLEMS, PartsDep, dataset_named
from services.api.views.datasets import DatasetView, dataset_view
from shared.types.concepts import ConceptBank

router = APIRouter(prefix="/datasets", tags=["concepts"], responses=PROBLEMS)


@router.post("/{dataset_id}/concepts", status_code=201)
def post_concepts(dataset_id: str, concepts: Annotated[Concepts, Body()], parts: PartsDep) -> DatasetView:
    """A new version of the concept bank, `{label: [concepts]}`, for the jobs posted from now on."""
    with parts.database.transaction() as session:
        dataset = dataset_named(session, dataset_id, lock=True)
        if dataset.status == "validating":
            raise Problem("dataset_not_ready", f"{dataset_id!r} is being validated", remedy="Wait until it is ready.")
        last = newest_bank(session, dataset_id)
        version = last.version + 1 if last else 1
        bank = ConceptBank(version=version, concepts={k: tuple(dict.fromkeys(v)) for k, v in concepts.items()})
        key = bank_key(f"datasets/{dataset_id}", version)
        parts.store.put(key, bank.model_dump_json(indent=1).encode())
        counts = {label: len(of_label) for label, of_label in bank.concepts.items()}
        row = ConceptBankRow(dataset_id=dataset_id, version=version, key=key, counts=counts)
        session.add(row)
        dataset.updated_at = func.clock_timestamp()
        session.flush()
        session.refresh(dataset)
        return dataset_view(dataset, row)
