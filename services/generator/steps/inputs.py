"""What the steps read: examples, the concept bank, chosen concepts. Knows keys and rows, no engine."""

import sys
from collections.abc import Collection, Sequence

from shared.artefacts import read_rows
from shared.sharding import shard_of
from shared.types.concepts import ConceptBank
from shared.types.records import Example, ScoredConcept, Split
from shared.worker.context import StepContext

Concepts = dict[str, tuple[str, ...]]


def shard_examples(context: StepContext, splits: Collection[Split]) -> Sequence[Example]:
    """This shard's share of the examples of `splits`, in the data set's order."""
    rows = read_rows(context.store, context.task.inputs["examples"], Example)
    return shard_of([row for row in rows if row.split in splits], context.task.shard, context.task.shards)


def asked_examples(context: StepContext) -> Sequence[Example]:
    """This shard's training examples without those that selection left out: of these no concept is chosen."""
    asked: dict[str, bool] = {}
    for row in read_rows(context.store, context.task.inputs["concepts"], ScoredConcept):
        asked[row.example_id] = asked.get(row.example_id, False) or row.chosen
    return [example for example in shard_examples(context, ["train"]) if asked.get(example.id, True)]


def concept_bank(context: StepContext) -> ConceptBank:
    return ConceptBank.model_validate_json(context.store.get(context.task.inputs["concept_bank"][0]))


def chosen_concepts(context: StepContext) -> Concepts:
    """The concepts held visible, by example id, best first. An example of which none was chosen is absent."""
    rows = read_rows(context.store, context.task.inputs["concepts"], ScoredConcept)
    chosen: dict[str, list[tuple[int, str]]] = {}
    for row in rows:
        if row.chosen:
            # Of many images the same few texts are chosen: one copy of each is enough.
            chosen.setdefault(row.example_id, []).append((row.rank, sys.intern(row.concept)))
    return {key: tuple(concept for _, concept in sorted(found)) for key, found in chosen.items()}
