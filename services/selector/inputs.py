"""What the selection steps read. Knows keys and rows, no scores."""

from collections.abc import Iterable, Iterator, Sequence

from shared.artefacts import read_rows
from shared.errors import InvalidInput
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
    """Streamed part by part. Those that the engine never gave are no evidence."""
    rows = read_rows(context.store, context.task.inputs["descriptions"], Description)
    return (row for row in rows if row.finish_reason != "failed")


def chosen_concepts(context: StepContext, examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """The concepts held visible in each of `examples`, by id, best first."""
    found: dict[str, list[ScoredConcept]] = {example.id: [] for example in examples}
    for row in read_rows(context.store, context.task.inputs["concepts"], ScoredConcept):
        if row.chosen and row.example_id in found:
            found[row.example_id].append(row)
    return {key: tuple(r.concept for r in sorted(rows, key=lambda r: r.rank)) for key, rows in found.items()}


def candidates(context: StepContext, examples: Sequence[Example]) -> dict[str, list[Candidate]]:
    """The candidate answers to each of `examples`, by id, in the order they were given."""
    found: dict[str, list[Candidate]] = {example.id: [] for example in examples}
    for row in read_rows(context.store, context.task.inputs["candidates"], Candidate):
        if row.example_id in found:
            found[row.example_id].append(row)
    return found
