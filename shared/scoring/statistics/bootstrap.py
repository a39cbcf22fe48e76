"""Percentile bootstrap intervals of a split's figures. Whole groups (a patient's images) are drawn together. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.scoring.statistics.confusion import Counts, Decisions, summary

_REPLICATES = 1000
_SEED = 20250124  # of no meaning; fixed, so that a report says the same whenever it is asked for
_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float


def estimates(decisions: Decisions, groups: Sequence[str | None]) -> tuple[Estimate, Estimate, Estimate]:
    """Accuracy, balanced accuracy and macro-F1. `groups` names each image's group; None: it is one of its own."""
    everything = np.ones(len(decisions.truth))
    drawn = np.array([summary(*decisions.hits(weights)) for weights in _weights(groups)])
    values = summary(*decisions.hits(everything))
    accuracy, balanced, macro_f1 = (_estimate(value, drawn[:, k]) for k, value in enumerate(values))
    return accuracy, balanced, macro_f1


def difference(now: NDArray[np.bool_], before: NDArray[np.bool_], groups: Sequence[str | None]) -> Estimate:
    """Of two accuracies on the same images, `now` minus `before`, both [images]."""
    gains = now.astype(np.float64) - before
    drawn = np.array([gains @ weights / weights.sum() for weights in _weights(groups)])
    return _estimate(float(gains.mean()), drawn)


def has_groups(groups: Sequence[str | None]) -> bool:
    """Whether some group has several images."""
    named = [group for group in groups if group is not None]
    return len(set(named)) < len(named)


def _weights(groups: Sequence[str | None]) -> Iterator[Counts]:
    """For each replicate how often each image was drawn, [images]."""
    numbers: dict[object, int] = {}
    owner = np.array([numbers.setdefault(k if g is None else g, len(numbers)) for k, g in enumerate(groups)])
    generator = np.random.default_rng(_SEED)
    for _ in range(_REPLICATES):
        drawn = np.bincount(generator.integers(len(numbers), size=len(numbers)), minlength=len(numbers))
        yield drawn[owner].astype(np.float64)


def _estimate(value: float, drawn: Counts) -> Estimate:
    low, high = np.percentile(drawn, _TAILS)
    return Estimate(value, float(low), float(high))
