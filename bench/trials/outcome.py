"""Figures of an arm's round against the drawn world's truth. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from selfsynth.demo.world.measure import (
    Truth,
    explanation_precision,
    explanation_recall,
    image_blind_precision,
)
from shared.scoring.repetition import repeats
from shared.types.records import Candidate, Prediction

Figures = dict[str, Any]


def figures_of(predictions: Sequence[Prediction], truth: Mapping[str, Truth], twins: Mapping[str, str]) -> Figures:
    """Over the test split. Shares are in [0, 1]; precision is None where nothing is cited.

    `pair_accuracy` counts the twin of the right species as right, too.
    """
    test = [row for row in predictions if row.split == "test"]
    truths = [truth[row.example_id] for row in test]
    answers = [row.answer for row in test]
    precision = explanation_precision(answers, truths)
    return {
        "n": len(test),
        "accuracy": _share(test),
        "own_background": _share([r for r, t in zip(test, truths, strict=True) if t.own_background]),
        "any_background": _share([r for r, t in zip(test, truths, strict=True) if not t.own_background]),
        "validation": _share([row for row in predictions if row.split == "validation"]),
        "pair_accuracy": sum(r.predicted in (r.label, twins.get(r.label)) for r in test) / len(test),
        "worst_class": min(_share(rows) for rows in _by_label(test).values()),
        "precision": None if precision != precision else precision,
        "recall": explanation_recall(answers, truths),
        "image_blind": image_blind_precision(truths),
        "repetition": sum(repeats(row.answer, row.label) for row in test) / len(test),
    }


def distinct_candidates(rows: Sequence[Candidate]) -> float | None:
    """How many different texts a question's own candidates are, in the mean."""
    texts: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in rows:
        if row.source == "answer":
            texts[row.example_id, row.question_id].add(row.text)
    return sum(map(len, texts.values())) / len(texts) if texts else None


def found_suspects(suspects: Sequence[str], labels: Mapping[str, str], truth: Mapping[str, Truth]) -> Figures:
    """Of the images told as perhaps labelled wrongly the share that are (`suspects_precision`, None where none is
    told), and of the training images that are labelled wrongly the share told."""
    wrong = {id_ for id_, label in labels.items() if id_.startswith("train") and truth[id_].species != label}
    hits = len(wrong & set(suspects))
    return {
        "suspects": len(suspects),
        "suspects_precision": hits / len(suspects) if suspects else None,
        "suspects_recall": hits / len(wrong) if wrong else None,
    }


def _share(rows: Sequence[Prediction]) -> float:
    return sum(row.correct for row in rows) / max(1, len(rows))


def _by_label(rows: Sequence[Prediction]) -> dict[str, list[Prediction]]:
    found: dict[str, list[Prediction]] = defaultdict(list)
    for row in rows:
        found[row.label].append(row)
    return found
