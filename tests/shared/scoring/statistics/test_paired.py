import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from shared.scoring.statistics.paired import mcnemar


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_both_p_are_those_of_the_binomial_distribution(gained: int, lost: int) -> None:
    test, changed = mcnemar(gained, lost), gained + lost
    exact = binomtest(gained, changed).pvalue if changed else 1.0
    assert test.p_exact == pytest.approx(exact, abs=1e-9)
    mid = 2 * binom.cdf(min(gained, lost) - 1, changed, 0.5) + binom.pmf(min(gained, lost), changed, 0.5)
    assert test.p_mid == pytest.approx(mid, abs=1e-9)
    assert 0 <= test.p_mid <= test.p_exact <= 1


def test_the_worked_example_of_the_literature() -> None:
    """Fagerland et al. 2013, table 1: one lost, seven gained."""
    test = mcnemar(7, 1)
    assert (round(test.p_exact, 4), round(test.p_mid, 4)) == (0.0703, 0.0391)


def test_thousands_of_changed_images_are_no_matter() -> None:
    assert mcnemar(20_000, 20_000).p_mid == pytest.approx(1.0)
    assert 0 <= mcnemar(30_000, 10_000).p_mid < 1e-100
