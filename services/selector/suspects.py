"""Leaves beside the ledger of select_answers which training images may be labelled wrongly, and says so.

Decides nothing: what a share of agreement means is shared.scoring.suspects'.
"""

from collections.abc import Iterable, Sequence

from services.selector import inputs
from shared.artefacts import encode_rows
from shared.scoring.suspects import suspect_labels
from shared.types.records import Candidate, Example, SuspectLabel
from shared.worker.closed_set import label_scorer
from shared.worker.context import StepContext


def tell_suspects(
    context: StepContext, ledger: Iterable[Candidate], examples: Sequence[Example]
) -> tuple[dict[str, float], dict[str, str]]:
    """What the manifest says of them: the figure `suspect_labels`, and for `extra` the key of their Parquet file.
    Nothing where the job does not look for any."""
    least_share = context.settings.select_answers.suspect_share
    if least_share is None:
        return {}, {}
    bank = inputs.concept_bank(context, (example.label for example in examples))
    labels = {example.id: example.label for example in examples}
    found = suspect_labels(ledger, labels, label_scorer(context, bank.concepts), least_share)
    key = f"{context.task.output_prefix}/suspect-labels-a{context.task.attempt}.parquet"
    context.store.put(key, encode_rows(SuspectLabel, found))
    if found:
        first = found[0]
        context.tell(
            f"{len(found)} training images may be labelled wrongly: the model's own answers agree on another class "
            f"(image {first.example_id}: {first.label}, but {first.share:.0%} say {first.instead}); the report lists "
            "them"
        )
    return {"suspect_labels": float(len(found))}, {"suspect_labels": key}
