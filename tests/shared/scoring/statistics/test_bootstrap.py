import numpy as np
import pytest
from scipy.stats import bootstrap as scipys

from shared.scoring.statistics.bootstrap import difference, estimates, has_groups
from shared.scoring.statistics.confusion import Decisions


def decisions(correct: int, total: int) -> Decisions:
    return Decisions(["wren"] * total, ["wren"] * correct + ["none"] * (total - correct))


def test_the_interval_is_that_of_scipys_bootstrap() -> None:
    accuracy, _, _ = estimates(decisions(70, 100), [None] * 100)
    theirs = scipys((np.array([1.0] * 70 + [0.0] * 30),), np.mean, method="percentile", rng=1).confidence_interval
    assert accuracy.value == 0.7
    assert (accuracy.low, accuracy.high) == (pytest.approx(theirs.low, abs=0.02), pytest.approx(theirs.high, abs=0.02))


def test_the_same_predictions_have_the_same_interval_each_time() -> None:
    assert estimates(decisions(5, 9), [None] * 9) == estimates(decisions(5, 9), [None] * 9)


def test_images_of_one_patient_count_for_one() -> None:
    alone, _, _ = estimates(decisions(50, 100), [None] * 100)
    patients = [f"patient {k // 10}" for k in range(100)]
    together, _, _ = estimates(decisions(50, 100), patients)
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert has_groups(patients)
    assert not has_groups([None, None, "a", "b"])


def test_a_figure_that_cannot_vary_has_an_interval_of_no_width() -> None:
    for figure in estimates(decisions(8, 8), [None] * 8):
        assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 1.0)


def test_the_difference_of_two_rounds_is_taken_image_by_image() -> None:
    before = np.array([True] * 40 + [False] * 60)
    now = np.array([True] * 60 + [False] * 40)
    gain = difference(now, before, [None] * 100)
    assert gain.value == pytest.approx(0.2)
    assert 0.1 < gain.low < 0.2 < gain.high < 0.3
    same = difference(before, before, [None] * 100)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
