from collections import Counter

import pytest

from services.trainer.plan import accumulation_of, order_of
from shared.job_settings import TrainSettings

LENGTHS = [10 + 7 * n % 50 for n in range(100)]


def test_every_pair_comes_once_an_epoch() -> None:
    assert set(Counter(order_of(LENGTHS, 2, 8, seed=1)).values()) == {2}


def test_half_an_epoch_takes_half_the_pairs_and_none_twice() -> None:
    order = order_of(LENGTHS, 0.5, 8, seed=1)
    assert len(order) == len(set(order)) == 50


def test_the_order_depends_on_the_seed_alone() -> None:
    assert order_of(LENGTHS, 2, 8, seed=1) == order_of(LENGTHS, 2, 8, seed=1) != order_of(LENGTHS, 2, 8, seed=2)


def test_batches_hold_pairs_of_like_length() -> None:
    def padding(order: list[int]) -> int:
        batches = [order[i : i + 8] for i in range(0, len(order), 8)]
        return sum(max(LENGTHS[n] for n in batch) - LENGTHS[m] for batch in batches for m in batch)

    assert padding(order_of(LENGTHS, 1, 8, seed=1)) < padding(list(range(100))) / 2


def test_lengths_do_not_order_the_training() -> None:
    """Shuffled batches: a run that goes from short to long would end on the long ones."""
    means = [sum(LENGTHS[n] for n in order_of(LENGTHS, 1, 8, seed=1)[i : i + 8]) for i in range(0, 64, 8)]
    assert means != sorted(means)


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "expected"),
    [(32, None, 1, (32, 1)), (32, 8, 1, (8, 4)), (32, 5, 1, (4, 8)), (32, 64, 1, (32, 1)), (32, 8, 4, (8, 1))],
)
def test_micro_batches_make_up_the_batch(
    batch: int, micro: int | None, processes: int, expected: tuple[int, int]
) -> None:
    settings = TrainSettings(batch_size=batch, micro_batch_size=micro)
    assert accumulation_of(settings, processes) == expected
