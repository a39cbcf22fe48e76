"""What becomes of a bank that people write: matched to the classes, tidied, and told what speaks against it. Pure.

What an expert writes is kept, however it looks; only the same text twice cannot be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.api.datasets.listing import Finding
from shared.concepts.labels import ConceptClass, Matched, match, suggestions
from shared.concepts.rules import GivesAway, fault_of
from shared.concepts.wording import key_of, storable, tidied
from shared.types.concept_job import CleanSettings
from shared.types.concepts import BankSource, ConceptBank, Origin, Removed, bank_of


def _must_be_storable(text: str) -> str:
    if storable(text) != text:
        raise ValueError("control characters and half surrogates cannot be stored")
    return text


Plain = AfterValidator(_must_be_storable)
Concept = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), Plain]
Label = Annotated[str, StringConstraints(min_length=1, max_length=300), Plain]
OfClass = Annotated[list[Concept], Field(max_length=500)]
_SHOWN = 10
_FAULTS = {
    "gives_away": "name their own class",
    "not_visual": "tell what no picture shows",
    "too_long": "are long sentences",
    "too_short": "are hardly words",
    "empty": "are empty",
}


class Features(BaseModel):
    """An entry of the reference's form."""

    model_config = ConfigDict(extra="ignore")

    name: Label
    visual_features: OfClass


Bank = dict[Label, OfClass | Features]


@dataclass(frozen=True)
class Draft:
    """A bank about to become a version, and what its owner should know of it."""

    bank: ConceptBank
    matched: Matched
    findings: list[Finding] = field(default_factory=list)


def by_label(bank: Mapping[str, Sequence[str] | Features]) -> dict[str, list[str]]:
    """Either form as concepts by the bank's own labels."""
    found: dict[str, list[str]] = {}
    for name, entry in bank.items():
        label, concepts = (entry.name, entry.visual_features) if isinstance(entry, Features) else (name, entry)
        found.setdefault(label, []).extend(concepts)
    return found


def given(
    bank: Mapping[str, Sequence[str]], classes: Sequence[ConceptClass], noun: str, source: BankSource, clean: bool
) -> Draft:
    """A bank out of a file or a request. With `clean` what the rules speak against is taken out."""
    matched = match(bank, classes)
    concepts: dict[str, tuple[str, ...]] = {}
    removed: list[Removed] = []
    for each in classes:
        kept: dict[str, str] = {}
        for wrote in matched.concepts[each.label]:
            concept = tidied(wrote, noun) or wrote.strip()
            fault = _fault(concept, each, noun) if clean else None
            same = kept.get(key_of(concept))
            if fault or same:
                reason = fault or "repeat"
                removed.append(Removed(label=each.label, concept=wrote, reason=reason, source=source.id, instead=same))
            else:
                kept[key_of(concept)] = concept
        concepts[each.label] = tuple(kept.values())
    made = bank_of(concepts, source).model_copy(update={"removed": tuple(removed)})
    return Draft(made, matched, _findings(made, matched, classes, noun))


def edited(
    base: ConceptBank | None,
    bank: Mapping[str, Sequence[str]],
    classes: Sequence[ConceptClass],
    noun: str,
    by: BankSource,
) -> Draft:
    """An expert's whole bank. What was in the base keeps its origin; what is missing from it is told as taken out."""
    base = base or ConceptBank(version=1, concepts={})
    matched = match(bank, classes)
    concepts = {
        label: tuple(dict.fromkeys(" ".join(concept.split()) for concept in found))
        for label, found in matched.concepts.items()
    }
    origins = {
        label: {c: base.origin(label, c) or Origin(source=by.id) for c in found} for label, found in concepts.items()
    }
    gone = [
        Removed(label=label, concept=c, reason="expert", source=by.id)
        for label, found in base.concepts.items()
        for c in found
        if c not in concepts.get(label, ())
    ]
    back = {(label, c) for label, found in concepts.items() for c in found}
    removed = [each for each in base.removed if (each.label, each.concept) not in back]
    used = {o.source for of in origins.values() for o in of.values()} | {each.source for each in (*removed, *gone)}
    sources = tuple(source for source in (*base.sources, by) if source.id in used)
    made = ConceptBank(version=1, concepts=concepts, origins=origins, sources=sources, removed=(*removed, *gone))
    return Draft(made, matched, _findings(made, matched, classes, noun))


def unknown_labels(matched: Matched, classes: Sequence[ConceptClass]) -> list[dict[str, str]]:
    """A line for each label of the bank that means no class, or several."""
    faults = []
    for name in matched.unknown:
        near = suggestions(name, classes)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        faults.append({"field": name, "message": f"this is no class of the data set{hint}"})
    return faults + [{"field": name, "message": "this means several classes"} for name in matched.ambiguous]


def _findings(bank: ConceptBank, matched: Matched, classes: Sequence[ConceptClass], noun: str) -> list[Finding]:
    found = []
    if strangers := [*matched.unknown, *matched.ambiguous]:
        found.append(_finding("labels_unknown", "these labels mean no class of the data set", strangers))
    if bare := [label for label, concepts in bank.concepts.items() if not concepts]:
        found.append(_finding("classes_without_concepts", "these classes have no concept", bare))
    at_least = CleanSettings().at_least
    if short := [label for label, concepts in bank.concepts.items() if 0 < len(concepts) < at_least]:
        found.append(_finding("few_concepts", f"these classes have fewer than {at_least} concepts", short))
    return found + _of_faults(bank, classes, noun)


def _of_faults(bank: ConceptBank, classes: Sequence[ConceptClass], noun: str) -> list[Finding]:
    """What is in the bank although the rules speak against it, and what was taken out because they do."""
    kept: dict[str, list[str]] = {}
    for each in classes:
        for concept in bank.concepts[each.label]:
            if fault := _fault(concept, each, noun):
                kept.setdefault(fault, []).append(f"{each.label}: {concept}")
    found = [_finding(code, f"{len(of)} concepts {_FAULTS[code]}", of) for code, of in kept.items()]
    taken = [f"{each.label}: {each.concept} ({each.reason})" for each in bank.removed if each.reason != "expert"]
    return [*found, _finding("taken_out", f"{len(taken)} concepts were taken out", taken)] if taken else found


def _fault(concept: str, each: ConceptClass, noun: str) -> str | None:
    return fault_of(concept, GivesAway(each.names, noun), CleanSettings().most_words)


def _finding(code: str, message: str, of: Sequence[str]) -> Finding:
    more = f" ... and {len(of) - _SHOWN} more" if len(of) > _SHOWN else ""
    return Finding(code=code, message=f"{message}: {'; '.join(of[:_SHOWN])}{more}", severity="warning")
