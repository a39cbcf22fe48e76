"""A data set's concept bank: have one built, give one, look at its versions, edit it."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Query, Response

from services.api.concepts.building import build_bank
from services.api.concepts.drafts import Bank
from services.api.concepts.giving import edit_bank, give_bank
from services.api.concepts.requests import BankRequest, FromBank
from services.api.concepts.versions import all_banks, bank_named, read_bank
from services.api.job_reading import view_of
from services.api.named import dataset_named, job_named
from services.api.routes.dependencies import PROBLEMS, PartsDep
from services.api.views.concepts import BankDetail, BankSummary, bank_detail, bank_summary
from services.api.views.jobs import JobView

router = APIRouter(prefix="/datasets/{dataset_id}/concepts", tags=["concepts"], responses=PROBLEMS)


@router.post("", status_code=202, responses={201: {"model": BankDetail}})
def post_concepts(
    dataset_id: str, body: Annotated[BankRequest, Body()], parts: PartsDep, response: Response
) -> JobView | BankDetail:
    """A job that builds the bank (202), or the bank itself where the request holds it (201)."""
    if isinstance(body, FromBank):
        response.status_code = 201
        return _tagged(response, give_bank(parts, dataset_id, body))
    job_id = build_bank(parts, dataset_id, body)
    parts.loop.wake(job_id)
    response.headers["Location"] = f"/jobs/{job_id}"
    with parts.database.snapshot() as session:
        return view_of(session, job_named(session, job_id))


@router.get("")
def get_concepts(
    dataset_id: str,
    parts: PartsDep,
    response: Response,
    version: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> BankDetail:
    """The newest version, or the one named. Its ETag is what an edit gives as If-Match."""
    with parts.database.snapshot() as session:
        dataset_named(session, dataset_id)
        row = bank_named(session, dataset_id, version)
    return _tagged(response, bank_detail(row, read_bank(parts.store, row)))


@router.get("/versions")
def list_versions(dataset_id: str, parts: PartsDep) -> list[BankSummary]:
    """Newest first."""
    with parts.database.snapshot() as session:
        dataset_named(session, dataset_id)
        return [bank_summary(row) for row in all_banks(session, dataset_id)]


@router.put("")
def put_concepts(
    dataset_id: str,
    body: Annotated[Bank, Body()],
    parts: PartsDep,
    response: Response,
    if_match: Annotated[str | None, Header(description="the version that was edited; * for any")] = None,
) -> BankDetail:
    """An expert's edit: the whole bank, `{label: [concepts]}`, becomes the next version, nothing of it dropped."""
    return _tagged(response, edit_bank(parts, dataset_id, body, if_match))


def _tagged(response: Response, bank: BankDetail) -> BankDetail:
    response.headers["ETag"] = f'"{bank.version}"'
    return bank
