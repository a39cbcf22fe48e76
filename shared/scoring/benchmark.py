"""How a benchmark's scores changed against the base model. Pure: scores and answers in, changes out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev

from pydantic import BaseModel

from shared.types.benchmark import BenchmarkAnswer, BenchmarkScore

_Z95 = 1.96
Samples = Mapping[str, float]


class BenchmarkChange(BaseModel):
    """One metric of a task. `change` is `value - base`, both None where the base has no such score; `interval` its 95%
    interval, None where nothing is known of it. `paired`: the interval is of the same samples' differences; else both
    scores are taken as independent, and it is wider than it need be."""

    task: str
    metric: str
    value: float
    stderr: float | None
    samples: int | None
    higher_is_better: bool | None
    base: float | None = None
    change: float | None = None
    interval: tuple[float, float] | None = None
    paired: bool = False

    def __str__(self) -> str:
        if self.base is None or self.change is None:
            return f"{self.task} {self.metric} {self.value:.3f}"
        low_high = f", 95% interval {self.interval[0]:+.3f} to {self.interval[1]:+.3f}" if self.interval else ""
        return f"{self.task} {self.metric} {self.value:.3f} (base {self.base:.3f}, {self.change:+.3f}{low_high})"


class Benchmarked(BaseModel):
    """What one model came to."""

    scores: Sequence[BenchmarkScore]
    answers: Sequence[BenchmarkAnswer]

    def samples_of(self, score: BenchmarkScore) -> Samples:
        """What each sample scored, by its number; empty where the score is not their mean."""
        found = {
            row.sample: dict(zip(row.metrics, row.scores, strict=True))[score.metric]
            for row in self.answers
            if (row.task, row.filter) == (score.task, score.filter) and score.metric in row.metrics
        }
        is_mean = len(found) > 1 and math.isclose(fmean(found.values()), score.value, rel_tol=1e-9, abs_tol=1e-9)
        return found if is_mean else {}


def changes(now: Benchmarked, base: Benchmarked | None) -> list[BenchmarkChange]:
    """One a score of `now`, in its order. Without a base nothing has changed."""
    before = {score.name: score for score in base.scores} if base else {}
    return [_change(now, base, score, before.get(score.name)) for score in now.scores]


def _change(
    now: Benchmarked, base: Benchmarked | None, score: BenchmarkScore, before: BenchmarkScore | None
) -> BenchmarkChange:
    found = BenchmarkChange(
        task=score.task,
        metric=score.name.partition("/")[2],
        value=score.value,
        stderr=score.stderr,
        samples=score.samples,
        higher_is_better=score.higher_is_better,
    )
    if base is None or before is None:
        return found
    change = score.value - before.value
    paired = _paired(now.samples_of(score), base.samples_of(before))
    error = _unpaired(score, before) if paired is None else paired
    interval = None if error is None else (change - _Z95 * error, change + _Z95 * error)
    known = {"base": before.value, "change": change, "interval": interval, "paired": paired is not None}
    return found.model_copy(update=known)


def _paired(now: Samples, before: Samples) -> float | None:
    """The standard error of the mean difference; None unless both are of the same samples."""
    if not now or now.keys() != before.keys():
        return None
    return _error_of_mean(now[sample] - before[sample] for sample in now)


def _unpaired(now: BenchmarkScore, before: BenchmarkScore) -> float | None:
    if now.stderr is None or before.stderr is None:
        return None
    return math.hypot(now.stderr, before.stderr)


def _error_of_mean(values: Iterable[float]) -> float:
    listed = list(values)
    return stdev(listed) / math.sqrt(len(listed))
