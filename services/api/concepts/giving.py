"""Makes what people write the next version of a bank: a whole bank, or an edit of the newest. One transaction each."""

from sqlalchemy.orm import Session

from services.api.concepts.building import classes_of
from services.api.concepts.drafts import Bank, Draft, by_label, edited, given, unknown_labels
from services.api.concepts.requests import FromBank
from services.api.concepts.versions import add_bank, newest_bank, read_bank
from services.api.database.models import ConceptBankRow, Dataset
from services.api.ids import new_id
from services.api.named import dataset_named
from services.api.problems import Problem
from services.api.views.concepts import BankDetail, bank_detail
from services.api.wiring import Parts
from shared.types.concepts import BankSource, ConceptBank, SourceKind
from shared.types.domain import Domain
from shared.worker.watching import now


def give_bank(parts: Parts, dataset_id: str, request: FromBank) -> BankDetail:
    """Raises NotFound, or Problem when no label of the bank means a class."""
    with parts.database.transaction() as session:
        dataset = dataset_named(session, dataset_id, lock=True)
        classes = classes_of(dataset)
        kind: SourceKind = "file" if request.name else "request"
        draft = given(by_label(request.concepts), classes, _noun(dataset), _people(kind, request.name), request.clean)
        if not any(draft.bank.concepts.values()):
            raise Problem(
                "labels_unknown",
                "the bank has no concept for any class of the data set",
                remedy=f"Its labels must be those of the classes: {', '.join(dataset.classes[:5])}, ...",
                faults=unknown_labels(draft.matched, classes),
            )
        return _keep(parts, session, dataset, draft, kind)


def edit_bank(parts: Parts, dataset_id: str, bank: Bank, if_match: str | None) -> BankDetail:
    """Raises NotFound, or Problem when the edit was made on another version or a label means no class."""
    with parts.database.transaction() as session:
        dataset = dataset_named(session, dataset_id, lock=True)
        classes, last = classes_of(dataset), newest_bank(session, dataset_id)
        _check_base(if_match, last)
        base = read_bank(parts.store, last) if last else None
        draft = edited(base, by_label(bank), classes, _noun(dataset), _people("expert"))
        if faults := unknown_labels(draft.matched, classes):
            raise Problem(
                "labels_unknown",
                f"{len(faults)} labels are no classes of the data set: {faults[0]['field']!r}: {faults[0]['message']}",
                remedy="Correct the named labels; GET /datasets/{id} lists the classes.",
                faults=faults,
            )
        return _keep(parts, session, dataset, draft, "expert")


def _keep(parts: Parts, session: Session, dataset: Dataset, draft: Draft, source: str) -> BankDetail:
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
