from collections import Counter
from itertools import chain, pairwise

from services.trainer.order import Turn, Unit, order_of, passes_of

LENGTHS = [10 + 7 * n % 50 for n in range(100)]
ALONE = [Unit((number,), length) for number, length in enumerate(LENGTHS)]
# Images with 3, 8, 5, 8, ... pairs.
SIZES = [3, 8, 5, 8, 6] * 8
UNIT_OF = [unit for unit, size in enumerate(SIZES) for _ in range(size)]
IMAGES = [
    Unit(tuple(number for number, own in enumerate(UNIT_OF) if own == unit), 100 + size)
    for unit, size in enumerate(SIZES)
]


def turns(count: int) -> list[Turn]:
    return [Turn(number) for number in range(count)]


def test_every_pair_comes_once_an_epoch() -> None:
    assert set(Counter(turn.pair for turn in order_of(ALONE, 2, 8, seed=1)).values()) == {2}


def test_a_turn_tells_its_epoch() -> None:
    """Also where the last batches of one epoch are shuffled with the first of the next."""
    order = order_of(IMAGES, 2.5, 32, seed=1)
    pairs = len(UNIT_OF)
    assert Counter(turn.epoch for turn in order) == {0: pairs, 1: pairs, 2: pairs // 2}
    assert len(set(order)) == len(order)


def test_half_an_epoch_takes_half_the_pairs_and_none_twice() -> None:
    order = order_of(ALONE, 0.5, 8, seed=1)
    assert len(order) == len(set(order)) == 50


def test_the_order_depends_on_the_seed_alone() -> None:
    assert order_of(ALONE, 2, 8, seed=1) == order_of(ALONE, 2, 8, seed=1) != order_of(ALONE, 2, 8, seed=2)


def test_batches_hold_pairs_of_like_length() -> None:
    def padding(order: list[Turn]) -> int:
        batches = [order[i : i + 8] for i in range(0, len(order), 8)]
        return sum(max(LENGTHS[n.pair] for n in batch) - LENGTHS[m.pair] for batch in batches for m in batch)

    assert padding(order_of(ALONE, 1, 8, seed=1)) < padding(turns(100)) / 2


def test_lengths_do_not_order_the_training() -> None:
    """Shuffled batches: a run that goes from short to long would end on the long ones."""
    means = [sum(LENGTHS[n.pair] for n in order_of(ALONE, 1, 8, seed=1)[i : i + 8]) for i in range(0, 64, 8)]
    assert means != sorted(means)


def test_pairs_of_an_image_stay_neighbours() -> None:
    order = order_of(IMAGES, 1, 32, seed=1)
    changes = sum(UNIT_OF[one.pair] != UNIT_OF[other.pair] for one, other in pairwise(order))
    assert sorted(order) == turns(len(UNIT_OF))
    # At most one image is cut where two batches meet.
    assert changes <= len(SIZES) - 1 + len(order) / 32


def test_passes_hold_every_pair_in_order_and_make_whole_steps() -> None:
    order = order_of(IMAGES, 2, 32, seed=1)
    passes = passes_of(order, UNIT_OF, 32, 4)
    assert [number for forward in passes for number in forward] == order
    for step in range(len(passes) // 4 - 1):
        assert sum(len(forward) for forward in passes[4 * step : 4 * step + 4]) == 32


def test_a_pass_ends_where_an_image_ends() -> None:
    order = order_of(IMAGES, 1, 32, seed=1)
    passes = passes_of(order, UNIT_OF, 32, 4)
    cut = sum(UNIT_OF[one[-1].pair] == UNIT_OF[next_[0].pair] for one, next_ in pairwise(passes))
    assert cut < len(passes) / 3


def test_pairs_that_stand_alone_make_even_passes() -> None:
    passes = passes_of(turns(64), list(range(64)), 32, 4)
    assert [len(forward) for forward in passes] == [8] * 8


def test_more_passes_a_step_leave_the_step_what_it_was() -> None:
    order = order_of(IMAGES, 1, 32, seed=1)
    few, many = passes_of(order, UNIT_OF, 32, 2), passes_of(order, UNIT_OF, 32, 4)
    for step in range(len(few) // 2):
        assert [*chain(*few[2 * step : 2 * step + 2])] == [*chain(*many[4 * step : 4 * step + 4])]


def test_a_short_last_batch_still_has_a_pair_for_every_pass() -> None:
    passes = passes_of(turns(10), list(range(10)), 8, 4)
    assert len(passes) == 8
    assert all(passes)
    assert [number for forward in passes for number in forward] == [*turns(10), *2 * [Turn(9, counts=False)]]
