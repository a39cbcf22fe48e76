import pytest

from services.generator.likelihood import likelihoods


def test_what_all_begin_with_is_left_out() -> None:
    a = ((1, -9.0), (2, -1.0), (3, -0.5))
    b = ((1, -8.0), (4, -2.0))
    assert likelihoods([a, b]) == (-1.5, -2.0)


def test_a_sentence_that_another_begins_with_counts_nothing_more() -> None:
    assert likelihoods([((1, -1.0), (2, -2.0)), ((1, -1.0),)]) == (-2.0, 0.0)


@pytest.mark.parametrize("read", [[], [((1, -1.0),)], [(), ()]])
def test_one_alone_is_certain(read: list[tuple[tuple[int, float], ...]]) -> None:
    assert likelihoods(read) == (0,) * len(read)
