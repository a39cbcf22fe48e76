"""Whether class probabilities mean what they say: expected calibration error, its bins, Brier score, log loss. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Images whose likeliest class has a probability in (low, high], the first bin 0 included; `confidence` is the mean
    of it, `accuracy` the share in which it is the true one. Both None for an empty bin."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """`accuracy` is that of the likeliest class, which may differ from that of the answers in words. `ece` weights each
    bin's gap by its count (Guo et al., ICML 2017); `brier` sums over classes, in [0, 2]; `log_loss` is in nats."""

    images: int
    accuracy: float
    confidence: float
    ece: float
    brier: float
    log_loss: float
    bins: list[Bin]


def probabilities(log_likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    """[images, classes] -> the same, each row summing to 1."""
    return np.exp(_log_shares(log_likelihoods))


def calibration(log_likelihoods: NDArray[np.float64], truth: Sequence[int]) -> Calibration | None:
    """`log_likelihoods` [images, classes], in nats, `truth` [images] the true class's column. None of no images."""
    if not len(truth):
        return None
    shares, places = probabilities(log_likelihoods), np.asarray(truth)
    confidence, correct = shares.max(axis=1), shares.argmax(axis=1) == places
    true_log = _log_shares(log_likelihoods)[np.arange(len(places)), places]
    bins = _bins(confidence, correct)
    gaps = [
        b.count * abs(b.confidence - b.accuracy) for b in bins if b.confidence is not None and b.accuracy is not None
    ]
    return Calibration(
        images=len(places),
        accuracy=float(correct.mean()),
        confidence=float(confidence.mean()),
        ece=sum(gaps) / len(places),
        brier=float((shares**2).sum(axis=1).mean() - 2 * np.exp(true_log).mean() + 1),
        log_loss=float(-true_log.mean()),
        bins=bins,
    )


def _log_shares(log_likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = log_likelihoods - log_likelihoods.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _bins(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> list[Bin]:
    edges = np.linspace(0, 1, BINS + 1)
    owner = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    return [_bin(edges[k], edges[k + 1], confidence[owner == k], correct[owner == k]) for k in range(BINS)]


def _bin(low: float, high: float, confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> Bin:
    count = len(confidence)
    means = (float(confidence.mean()), float(correct.mean())) if count else (None, None)
    return Bin(round(float(low), 3), round(float(high), 3), count, *means)
