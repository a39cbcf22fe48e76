"""A data set's concept bank: have one built, give one, look at its versions, edit it."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Query, Response
from sqlalchemy.orm import Session

from services.api.concepts.building import build_bank, classes_of
from services.api.concepts.drafts import Bank, Draft, by_label, edited, given, unknown_labels
from services.api.concepts.requests import BankRequest, FromBank
from services.api.concepts.versions import add_bank, all_banks, bank_named, newest_bank, read_bank
from services.api.database.models import ConceptBankRow, Dataset
from services.api.ids import new_id
from services.api.job_reading import view_of
from services.api.problems import Problem
from services.api.routes.dependencies import PROBLEMS, PartsDep, dataset_named, job_named
from services.api.views.concepts import BankDetail, BankSummary, bank_detail, bank_summary
from services.api.views.jobs import JobView
from services.api.wiring import Parts
from shared.types.concepts import BankSource, ConceptBank, SourceKind
from shared.types.domain import Domain
from shared.worker.watching import now

router = APIRouter(prefix="/datasets/{dataset_id}/concepts", tags=["concepts"], responses=PROBLEMS)


@router.post("", status_code=202, responses={201: {"model": BankDetail}})
def post_concepts(
    dataset_id: str, body: Annotated[BankRequest, Body()], parts: PartsDep, response: Response
) -> JobView | BankDetail:
    """A job that builds the bank (202), or the bank itself where the request holds it (201)."""
    if isinstance(body, FromBank):
        response.status_code = 201
        return _give(parts, dataset_id, body, response)
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
    response.headers["ETag"] = f'"{row.version}"'
    return bank_detail(row, read_bank(parts.store, row))


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
    with parts.database.transaction() as session:
        dataset = dataset_named(session, dataset_id, lock=True)
        classes, last = classes_of(dataset), newest_bank(session, dataset_id)
        _check_base(if_match, last)
        base = read_bank(parts.store, last) if last else None
        draft = edited(base, by_label(body), classes, _noun(dataset), _people("expert"))
        if faults := unknown_labels(draft.matched, classes):
            raise Problem(
                "labels_unknown",
                f"{len(faults)} labels are no classes of the data set: {faults[0]['field']!r}: {faults[0]['message']}",
                remedy="Correct the named labels; GET /datasets/{id} lists the classes.",
                faults=faults,
            )
        return _keep(parts, session, dataset, draft, "expert", response)


def _give(parts: Parts, dataset_id: str, body: FromBank, response: Response) -> BankDetail:
    with parts.database.transaction() as session:
        dataset = dataset_named(session, dataset_id, lock=True)
        classes = classes_of(dataset)
        kind: SourceKind = "file" if body.name else "request"
        source = _people(kind, body.name)
        draft = given(by_label(body.concepts), classes, _noun(dataset), source, body.clean)
        if not any(draft.bank.concepts.values()):
            raise Problem(
                "labels_unknown",
                "the bank has no concept for any class of the data set",
                remedy=f"Its labels must be those of the classes: {', '.join(dataset.classes[:5])}, ...",
                faults=unknown_labels(draft.matched, classes),
            )
        return _keep(parts, session, dataset, draft, kind, response)


def _keep(
    parts: Parts, session: Session, dataset: Dataset, draft: Draft, source: str, response: Response
) -> BankDetail:
    """Within the caller's transaction, which has locked the data set. An object that no row names is harmless."""
    last = newest_bank(session, dataset.id)
    bank: ConceptBank = draft.bank.model_copy(update={"version": last.version + 1 if last else 1})
    key = f"datasets/{dataset.id}/concepts/{new_id('bank')}.json"
    parts.store.create(key, bank.model_dump_json(indent=1).encode())
    made = {
        "source": source,
        "base_version": last.version if last else None,
        "findings": [finding.model_dump(mode="json") for finding in draft.findings],
    }
    row = add_bank(session, dataset, key, bank, made)
    session.flush()
    session.refresh(row)
    response.headers["ETag"] = f'"{row.version}"'
    return bank_detail(row, bank)


def _check_base(if_match: str | None, last: ConceptBankRow | None) -> None:
    """Raises Problem when the edit was not made on the newest version."""
    if last is None or if_match == "*":
        return
    if if_match is None:
        raise Problem(
            "precondition_required",
            "the edit does not say which version it was made on",
            remedy=f'Send If-Match: "{last.version}" with an edit of the newest version, or If-Match: * for any.',
        )
    if if_match.removeprefix("W/").strip('"') != str(last.version):
        raise Problem(
            "concepts_changed",
            f"the edit was made on version {if_match}, but the newest is {last.version}",
            remedy="GET the newest version, make the edit again on it, and send its ETag as If-Match.",
        )


def _people(kind: SourceKind, name: str = "") -> BankSource:
    """A source of its own for each edit, so that two edits can be told apart."""
    return BankSource(id=new_id(kind), kind=kind, made_at=now(), name=name)


def _noun(dataset: Dataset) -> str:
    return Domain.model_validate(dataset.domain).noun
