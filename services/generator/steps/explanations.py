"""What an evaluation tells of explanations: from its rows, and from what the round taught. Asks at most the judge."""

from collections.abc import Sequence
from typing import Any

from services.generator.judging.verdicts import Judges, judge
from services.generator.steps.further import drawn_test_images
from services.generator.steps.inputs import chosen_concepts
from shared.artefacts import read_rows
from shared.scoring.citing import Citing
from shared.scoring.explaining import Bank, asked_counts, citation_counts, explained, taught_counts
from shared.types.records import Candidate, Prediction
from shared.worker.context import StepContext


def explanation_counts(
    context: StepContext, rows: Sequence[Prediction], citing: Citing, bank: Bank, judges: Judges
) -> tuple[dict[str, float], dict[str, Any]]:
    """Counts for the manifest's figures, and the judge's verdicts by example id."""
    wanted = context.settings.evaluate
    counts = citation_counts(explained(citing, rows), bank, context.task.seed) | _taught(context, citing)
    counts |= asked_counts(rows, wanted.faithfulness.requests if wanted.faithfulness else 0)
    if wanted.judge is None:
        return counts, {}
    drawn = drawn_test_images(context, "judge", wanted.judge.examples)
    answered = [row for row in rows if row.example_id in drawn and row.finish_reason != "failed"]
    judged, verdicts = judge(context, answered, judges)
    return counts | judged, {"verdicts": verdicts}


def _taught(context: StepContext, citing: Citing) -> dict[str, float]:
    """Once a round: figures of shards are added up. The base was taught nothing."""
    inputs = context.task.inputs
    if context.task.shard or not ("pairs" in inputs and "concepts" in inputs):
        return {}
    rows = read_rows(context.store, inputs["pairs"], Candidate)
    pairs = ((row.example_id, row.text) for row in rows if row.kept)
    return taught_counts(citing, pairs, chosen_concepts(context))
