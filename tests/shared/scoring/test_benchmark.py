"""The change of a benchmark's scores against the base."""

from typing import Any

import pytest

from shared.scoring.benchmark import BenchmarkChange, Benchmarked, changes
from shared.types.benchmark import BenchmarkAnswer, BenchmarkScore


def benchmarked(
    values: list[float], score: float | None = None, stderr: float | None = None, **how: Any
) -> Benchmarked:
    """One task whose samples scored `values`; its score is their mean, or another."""
    value = sum(values) / len(values) if score is None else score
    rows = [
        BenchmarkAnswer(
            task="quiz", filter="none", sample=str(k), target="", answers=(), metrics=("acc",), scores=(each,)
        )
        for k, each in enumerate(values)
    ]
    made = BenchmarkScore(
        **{"task": "quiz", "metric": "acc", "filter": "none", "value": value, "stderr": stderr, **how}
    )
    return Benchmarked(scores=[made], answers=rows)


def change(now: Benchmarked, base: Benchmarked | None) -> BenchmarkChange:
    [found] = changes(now, base)
    return found


def test_the_same_samples_are_compared_one_by_one() -> None:
    found = change(benchmarked([1, 1, 1, 0], stderr=0.25), benchmarked([1, 1, 0, 0], stderr=0.29))
    assert (found.change, found.paired) == (0.25, True)
    assert found.interval == pytest.approx((0.25 - 1.96 * 0.25, 0.25 + 1.96 * 0.25))  # differences 0, 0, 1, 0


def test_no_change_of_any_sample_is_certain() -> None:
    same = benchmarked([1, 0, 1])
    assert change(same, same).interval == (0.0, 0.0)


@pytest.mark.parametrize("base", [benchmarked([1, 0, 1], stderr=0.3), benchmarked([0, 0], score=9, stderr=0.3)])
def test_what_cannot_be_paired_is_taken_as_independent(base: Benchmarked) -> None:
    """Other samples, or a score that is not the samples' mean."""
    found = change(benchmarked([1, 1], stderr=0.4), base)
    assert found.interval is not None
    assert (found.interval[1] - found.interval[0], found.paired) == (pytest.approx(2 * 1.96 * 0.5), False)


def test_without_any_error_there_is_no_interval() -> None:
    found = change(benchmarked([1, 1], score=5), benchmarked([1, 1], score=4))
    assert (found.change, found.interval) == (1, None)


def test_a_score_that_the_base_lacks_has_no_change() -> None:
    for base in (None, benchmarked([1, 1], metric="other"), benchmarked([1, 1], filter="strict")):
        found = change(benchmarked([1, 0]), base)
        assert (found.value, found.base, found.change) == (0.5, None, None)


def test_in_words_it_names_task_base_and_change() -> None:
    words = str(change(benchmarked([1, 1, 1, 0]), benchmarked([1, 1, 0, 0])))
    assert words == "quiz acc 0.750 (base 0.500, +0.250, 95% interval -0.240 to +0.740)"
