import threading

import pytest

from shared.ahead import ahead


def test_what_is_slow_is_begun_before_it_is_asked_for_and_comes_in_order() -> None:
    """Each waits until the next two are begun: one after the other would wait for ever."""
    begun = [threading.Event() for _ in range(9)]

    def slow(number: int) -> int:
        begun[number].set()
        for later in begun[number + 1 : number + 3]:
            assert later.wait(30)
        return number

    assert list(ahead(slow, range(9), 3)) == list(range(9))


def test_no_more_is_begun_than_wanted_at_once() -> None:
    begun: list[int] = []
    results = ahead(begun.append, range(100), 4)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 4


def test_an_error_comes_at_its_own_turn() -> None:
    results = ahead(lambda number: 1 // number, (2, 1, 0, 3), 4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
