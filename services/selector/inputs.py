"""What the selection steps read. Knows keys and rows, no scores."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from shared.artefacts import read_rows
from shared.errors import InvalidInput, SystemFault
from shared.sharding import shard_of
from shared.types.concepts import ConceptBank
from shared.types.records import Candidate, Description, Example, ScoredConcept
from shared.worker.context import StepContext


def train_examples(context: StepContext) -> list[Example]:
    """All training examples, of every shard, in the data set's order."""
    rows = read_rows(context.store, context.task.inputs["examples"], Example)
    return [row for row in rows if row.split == "train"]


def own_share(context: StepContext, examples: Sequence[Example]) -> Sequence[Example]:
    """This shard's share of them."""
    return shard_of(examples, context.task.shard, context.task.shards)


def concept_bank(context: StepContext, labels: Iterable[str]) -> ConceptBank:
    """Raises InvalidInput, naming the classes, when some of `labels` have no concept in the bank."""
    bank = ConceptBank.model_validate_json(context.store.get(context.task.inputs["concept_bank"][0]))
    bare = sorted({label for label in labels if not bank.concepts.get(label)})
    if bare:
        raise InvalidInput(
            f"the concept bank has no concept for {len(bare)} of the classes: {', '.join(bare[:5])}",
            remedy="Add at least one concept for each class and register the data set again.",
        )
    return bank


def descriptions(context: StepContext) -> Iterator[Description]:
    """Streamed part by part. Those that the engine never gave, and empty ones, are no evidence."""
    rows = read_rows(context.store, context.task.inputs["descriptions"], Description)
    return (row for row in rows if row.finish_reason != "failed" and row.text.strip())


def chosen_concepts(context: StepContext, examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """The concepts held visible in each of `examples`, by id, best first."""
    found: dict[str, list[tuple[int, str]]] = {example.id: [] for example in examples}
    for row in read_rows(context.store, context.task.inputs["concepts"], ScoredConcept):
        if row.chosen and row.example_id in found:
            # Of many images the same few texts are chosen: one copy of each is enough.
            found[row.example_id].append((row.rank, sys.intern(row.concept)))
    return {key: tuple(concept for _, concept in sorted(rows)) for key, rows in found.items()}


class Candidates:
    """The candidate answers to `examples`, streamed: those of one part at a time are in memory.

    The answer step leaves them in the data set's order, an example's together; `of` is asked in the same order.
    """

    def __init__(self, context: StepContext, examples: Sequence[Example]) -> None:
        self._place = {example.id: place for place, example in enumerate(examples)}
        rows = read_rows(context.store, context.task.inputs["candidates"], Candidate)
        wanted = (row for row in rows if row.example_id in self._place)
        self._groups = ((key, list(group)) for key, group in groupby(wanted, key=lambda row: row.example_id))
        self._next = next(self._groups, None)

    def of(self, part: Sequence[Example]) -> dict[str, list[Candidate]]:
        """By example id, in the order they were given; an empty list for an example without any.

        Raises SystemFault when rows are not in order: they would be missed.
        """
        found: dict[str, list[Candidate]] = {example.id: [] for example in part}
        last = self._place[part[-1].id]
        while self._next and self._place[self._next[0]] <= last:
            key, rows = self._next
            if found.get(key) != []:
                raise SystemFault(
                    f"the candidates of {key} do not stand together, in the data set's order",
                    remedy="This is a fault of the answer step's code.",
                )
            found[key] = rows
            self._next = next(self._groups, None)
        return found
