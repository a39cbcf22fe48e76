"""Finishes select_answers: leaves beside the ledger which training images may be labelled wrongly, and says so.

Decides nothing: what a share of agreement means is shared.scoring.suspects'.
"""

from collections.abc import Mapping, Sequence

from services.selector import inputs
from shared.artefacts import ArtefactWriter, ManifestRef, encode_rows
from shared.scoring.suspects import suspect_labels
from shared.types.records import Candidate, Example, SuspectLabel
from shared.worker.closed_set import label_scorer
from shared.worker.context import StepContext


def tell_suspects(
    context: StepContext,
    writer: ArtefactWriter[Candidate],
    part_count: int,
    examples: Sequence[Example],
    counts: Mapping[str, float],
) -> ManifestRef:
    """The ledger's manifest with the figure `suspect_labels`, and under `extra` the key of their Parquet file."""
    least_share = context.settings.select_answers.suspect_share
    if least_share is None:
        return writer.finish(part_count, dict(counts))
    bank = inputs.concept_bank(context, (example.label for example in examples))
    labels = {example.id: example.label for example in examples}
    found = suspect_labels(writer.read(), labels, label_scorer(context, bank.concepts), least_share)
    task = context.task
    key = f"{task.output_prefix}/suspect-labels-a{task.attempt}.parquet"
    context.store.put(key, encode_rows(SuspectLabel, found))
    if found:
        first = found[0]
        context.tell(
            f"{len(found)} training images may be labelled wrongly: the model's own answers agree on another class "
            f"(image {first.example_id}: {first.label}, but {first.share:.0%} say {first.instead}); the report lists "
            "them"
        )
    return writer.finish(part_count, {**counts, "suspect_labels": float(len(found))}, {"suspect_labels": key})
