"""clean_concepts: reads what was named for each class, and leaves the bank and a ledger of every concept's fate."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from services.selector.bank.clean import Cleaner
from services.selector.bank.naming import Named, from_answers, from_bank
from services.selector.encoder import KnownEncoder
from shared.artefacts import ArtefactWriter, ManifestRef, pinned, read_manifest, read_rows
from shared.errors import InvalidInput
from shared.sharding import cut
from shared.types.concept_job import ConceptClasses, ConceptJob
from shared.types.concepts import BankSource, ConceptBank, Origin, Removed
from shared.types.records import CleanedConcept, Proposal
from shared.worker.context import StepContext

_CLASSES_PER_PART = 20


def run(context: StepContext, encoder: KnownEncoder) -> ManifestRef:
    """Raises InvalidInput when nothing is left for any class."""
    work = _Work(context)
    cleaner = Cleaner(work.job.clean, work.job.domain.noun, encoder)
    about = {"encoder": encoder.facts.model_dump()}
    writer = ArtefactWriter(context.store, pinned(context.task, **about), CleanedConcept)
    parts = cut(work.classes.to_ask, _CLASSES_PER_PART)
    for number, part in enumerate(parts):
        context.check()
        if number not in writer.done:
            writer.put(number, [row for each in part for row in cleaner.cleaned(each, work.named(each.label))])
        context.progress(number + 1, len(parts), {})
    rows = list(writer.read())
    bank = work.bank(rows)
    if not any(bank.concepts.values()):
        raise InvalidInput(
            f"no concept is left for any class; taken out were {dict(Counter(r.reason for r in rows))}",
            remedy="Ask another model, or loosen the settings of `clean`.",
        )
    key = f"{context.task.output_prefix}/concept-bank-a{context.task.attempt}.json"
    context.store.put(key, bank.model_dump_json(indent=1).encode())
    extra = {"concept_bank": key, "made": work.made(bank, rows), **about}
    return writer.finish(len(parts), _figures(rows, bank), extra)


class _Work:
    """What the step reads: the job, the classes, the answers, and the bank that it starts from."""

    def __init__(self, context: StepContext) -> None:
        store, inputs = context.store, context.task.inputs
        self.job = ConceptJob.model_validate(context.task.params)
        self.classes = ConceptClasses.model_validate_json(store.get(inputs["classes"][0]))
        self.base = _bank(store.get(inputs["concept_bank"][0]) if "concept_bank" in inputs else None)
        manifests = [read_manifest(store, key) for key in inputs.get("proposals", ())]
        self._sources = tuple(BankSource.model_validate(each.extra["source"]) for each in manifests)
        self._empty = {label: why for each in manifests for label, why in each.extra.get("empty", {}).items()}
        self._answers: dict[str, list[Proposal]] = {}
        for row in read_rows(store, inputs.get("proposals", ()), Proposal):
            self._answers.setdefault(row.label, []).append(row)
        self._job_id = context.task.job_id

    def named(self, label: str) -> list[Named]:
        noun = self.job.domain.noun
        if self.job.source == "newest":
            return from_bank(label, self.base, noun)
        return from_answers(label, self._answers.get(label, ()), self._sources[0].id, noun)

    def bank(self, rows: Iterable[CleanedConcept]) -> ConceptBank:
        """Classes that were not asked about keep what they have. The version is what it would be if nobody else made
        one meanwhile; the coordinator counts."""
        asked, base = set(self.classes.asked), self.base
        concepts: dict[str, list[str]] = {each.label: [] for each in self.classes.classes}
        origins: dict[str, dict[str, Origin]] = {}
        for label in concepts.keys() - asked:
            concepts[label] += base.concepts.get(label, ())
            origins[label] = dict(base.origins.get(label, {}))
        removed = [each for each in base.removed if each.label not in asked]
        for row in rows:
            if row.kept:
                concepts[row.label].append(row.concept)
                if row.source:
                    origins.setdefault(row.label, {})[row.concept] = Origin(source=row.source, images=row.images)
            else:
                removed.append(_removed(row))
        used = {origin.source for of_label in origins.values() for origin in of_label.values()}
        fresh = {source.id for source in self._sources}
        old = (source for source in base.sources if source.id in used - fresh)
        return ConceptBank(
            version=base.version + 1 if base.concepts else 1,
            concepts={label: tuple(found) for label, found in concepts.items()},
            origins=origins,
            sources=(*old, *self._sources),
            removed=tuple(removed),
        )

    def made(self, bank: ConceptBank, rows: Sequence[CleanedConcept]) -> dict[str, Any]:
        counts = {label: len(concepts) for label, concepts in bank.concepts.items()}
        return {
            "source": self.job.source,
            "job": self._job_id,
            "removed": dict(Counter(row.reason for row in rows if not row.kept)),
            "empty": {label: self._empty.get(label, "nothing was left") for label, n in counts.items() if not n},
            "short": [label for label, n in counts.items() if 0 < n < self.job.clean.at_least],
            "prompt_tokens": sum(source.prompt_tokens for source in self._sources),
            "completion_tokens": sum(source.completion_tokens for source in self._sources),
        }


def _bank(body: bytes | None) -> ConceptBank:
    return ConceptBank.model_validate_json(body) if body else ConceptBank(version=1, concepts={})


def _removed(row: CleanedConcept) -> Removed:
    return Removed(label=row.label, concept=row.wrote, reason=row.reason, source=row.source, instead=row.instead)


def _figures(rows: Sequence[CleanedConcept], bank: ConceptBank) -> dict[str, float]:
    return {
        "named": float(len(rows)),
        "kept": float(sum(row.kept for row in rows)),
        "removed": float(sum(not row.kept for row in rows)),
        "classes": float(len(bank.concepts)),
        "empty": float(sum(not concepts for concepts in bank.concepts.values())),
    }
