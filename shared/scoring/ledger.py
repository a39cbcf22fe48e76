"""Counts over a ledger of candidates, the same for every step that leaves QA pairs. Pure."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from shared.scoring.repetition import repeats
from shared.types.records import Candidate


def pair_figures(rows: Iterable[Candidate], labels: Mapping[str, str]) -> dict[str, float]:
    """Counts over a ledger, in which an example's rows stand together. `labels` maps example ids to labels.

    `repeats` are pairs whose answer repeats itself, `failed` candidates that the engine never gave, `rejected_` with a
    reason's code candidates that were not kept.
    """
    counts = dict.fromkeys(("questions", "pairs", "fallbacks", "rationalised", "repeats", "failed"), 0.0)
    for example_id, group in groupby(rows, key=lambda row: row.example_id):
        questions: set[int] = set()
        for row in group:
            questions.add(row.question_id)
            counts["failed"] += row.finish_reason == "failed"
            if row.kept:
                counts["pairs"] += 1
                counts["fallbacks"] += row.source == "fallback"
                counts["rationalised"] += row.source == "rationalised"
                counts["repeats"] += repeats(row.text, labels[example_id])
            else:
                counts[f"rejected_{row.reason}"] = counts.get(f"rejected_{row.reason}", 0.0) + 1
        counts["questions"] += len(questions)
    return counts
