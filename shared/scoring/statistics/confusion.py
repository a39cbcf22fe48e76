"""Who is taken for whom: counts of (true class, decision), and the figures that follow from them alone. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.scoring.labels import NONE, SEVERAL

Counts = NDArray[np.float64]
Interval = Callable[[int, int], tuple[float, float]]


@dataclass(frozen=True)
class ClassRow:
    """One class. `precision` is None where it was never named; `taken_for` is the most frequent wrong decision."""

    label: str
    total: int
    correct: int
    recall: float
    recall_ci: tuple[float, float]
    precision: float | None
    f1: float
    taken_for: str | None
    taken_for_count: int


class Decisions:
    """Decisions about images as numbers: `truth` indexes `labels`, `decided` indexes `columns`, both [images].

    `labels` are the classes that occur as a truth; `columns` these, further classes that were named, none, several.
    """

    def __init__(self, truths: Sequence[str], decided: Sequence[str]) -> None:
        self.labels = sorted(set(truths))
        further = sorted(set(decided) - set(self.labels) - {NONE, SEVERAL})
        self.columns = [*self.labels, *further, NONE, SEVERAL]
        # A class that is called so keeps its own column.
        places = {name: place for place, name in reversed(list(enumerate(self.columns)))}
        self.truth = np.array([places[label] for label in truths], dtype=np.int64)
        self.decided = np.array([places[name] for name in decided], dtype=np.int64)
        self.correct = self.truth == self.decided

    def matrix(self) -> NDArray[np.int64]:
        """[labels, columns]: how many images of the row's class were decided as the column says."""
        cells = self.truth * len(self.columns) + self.decided
        counted = np.bincount(cells, minlength=len(self.labels) * len(self.columns))
        return counted.reshape(len(self.labels), len(self.columns))

    def hits(self, weights: Counts) -> tuple[Counts, Counts, Counts]:
        """Of each label, all [labels] and weighted by `weights` [images]: correct, occurring, named."""
        size = len(self.labels)
        correct = np.bincount(self.truth, weights * self.correct, size)
        occurring = np.bincount(self.truth, weights, size)
        named = np.bincount(self.decided, weights, len(self.columns))[:size]
        return np.asarray(correct, np.float64), np.asarray(occurring, np.float64), np.asarray(named, np.float64)


def summary(correct: Counts, occurring: Counts, named: Counts) -> tuple[float, float, float]:
    """Accuracy, balanced accuracy (mean recall) and macro-F1 over the classes that occur, from counts [labels]."""
    there = occurring > 0
    recall = correct[there] / occurring[there]
    f1 = 2 * correct[there] / (occurring[there] + named[there])
    return float(correct.sum() / occurring.sum()), float(recall.mean()), float(f1.mean())


def class_rows(decisions: Decisions, interval: Interval) -> list[ClassRow]:
    """One row a class that occurs, in the order of their names. `interval` is that of a share."""
    matrix = decisions.matrix()
    named = matrix.sum(axis=0)
    return [_row(decisions.columns, matrix[k], k, int(named[k]), interval) for k in range(len(decisions.labels))]


def _row(columns: Sequence[str], counts: NDArray[np.int64], own: int, named: int, interval: Interval) -> ClassRow:
    total, correct = int(counts.sum()), int(counts[own])
    wrong = counts.copy()
    wrong[own] = 0
    worst = int(wrong.argmax())
    return ClassRow(
        label=columns[own],
        total=total,
        correct=correct,
        recall=correct / total,
        recall_ci=interval(correct, total),
        precision=correct / named if named else None,
        f1=2 * correct / (total + named),
        taken_for=columns[worst] if wrong[worst] else None,
        taken_for_count=int(wrong[worst]),
    )
