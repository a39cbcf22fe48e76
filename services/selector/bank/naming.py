"""Who named which concept for a class, and in how many images it was seen: answers put together. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.concepts.wording import key_of, tidied
from shared.types.concepts import ConceptBank
from shared.types.records import CleanedConcept, Proposal


@dataclass
class Named:
    """One concept of a class. `seen_in` holds example ids; None where nobody looked at images."""

    label: str
    concept: str
    wrote: str
    source: str | None
    seen_in: set[str] | None = field(default=None)
    seen_before: int | None = None

    @property
    def images(self) -> int | None:
        return self.seen_before if self.seen_in is None else len(self.seen_in)

    def row(self, reason: str = "", instead: str | None = None) -> CleanedConcept:
        return CleanedConcept(
            label=self.label,
            concept=self.concept,
            wrote=self.wrote,
            source=self.source,
            images=self.images,
            kept=not reason,
            reason=reason,
            instead=instead,
        )


def from_answers(label: str, answers: Iterable[Proposal], source: str, noun: str) -> list[Named]:
    """In the order of the answers; what several images show comes once."""
    found: list[Named] = []
    by_key: dict[str, Named] = {}
    for answer in answers:
        for wrote in answer.concepts:
            concept = tidied(wrote, noun)
            named = Named(label, concept, wrote, source, {answer.example_id} if answer.example_id else None)
            first = by_key.setdefault(key_of(concept), named)
            if first is named or first.seen_in is None:
                found.append(named)
            elif named.seen_in:
                first.seen_in |= named.seen_in
    return found


def from_bank(label: str, bank: ConceptBank, noun: str) -> list[Named]:
    """The concepts that the bank has, each with where it came from."""
    found = []
    for wrote in bank.concepts.get(label, ()):
        origin = bank.origin(label, wrote)
        named = Named(label, tidied(wrote, noun), wrote, origin.source if origin else None)
        named.seen_before = origin.images if origin else None
        found.append(named)
    return found
