"""In which order pairs are trained on, and which of them share a forward pass. Pure functions of numbers.

The order is all epochs' in one list, and a function of the seed alone: a resumed run, or one whose forward passes hold
other numbers of pairs, goes on where it was.
"""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Unit(NamedTuple):
    """Pairs, by number, that stay neighbours, and how many tokens they take."""

    pairs: tuple[int, ...]
    length: int


class _Place(NamedTuple):
    """Sorts by length, and keeps a unit's pairs together."""

    length: int
    unit: int
    pair: int


def order_of(units: Sequence[Unit], epochs: float, batch_size: int, seed: int) -> list[int]:
    """The pairs' numbers in the order of training: optimiser step k trains items k*batch_size onwards.

    Each epoch is a permutation of the units (the last one cut where `epochs` is fractional). Units of like length share
    a batch, to save padding: within groups of 8 batches they are sorted by length, and then the batches are shuffled.
    """
    rng = random.Random(seed)
    wanted = max(1, round(epochs * sum(len(unit.pairs) for unit in units)))
    order: list[_Place] = []
    drawn = 0
    while len(order) < wanted:
        for unit in rng.sample(units, len(units)):
            order += (_Place(unit.length, drawn, pair) for pair in unit.pairs)
            drawn += 1
    del order[wanted:]
    return [place.pair for group in _chunks(order, 8 * batch_size) for place in _grouped(group, batch_size, rng)]


def passes_of(order: Sequence[int], unit_of: Sequence[int], batch_size: int, passes: int) -> list[list[int]]:
    """The pairs of each forward pass: `passes` of them make an optimiser step of `batch_size` pairs.

    They are cut where a unit ends, if such a place is near. `unit_of` tells each pair's unit. Each pass needs a pair,
    on every process: a batch of fewer pairs than passes is filled with some that count for nothing, whose numbers are
    those of pairs raised by the number of all.
    """
    batches = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return [forward for batch in batches for forward in _cut(batch, unit_of, passes)]


def _grouped(group: list[_Place], batch_size: int, rng: random.Random) -> list[_Place]:
    batches = _chunks(sorted(group), batch_size)
    short = batches.pop() if len(batches[-1]) < batch_size else []
    rng.shuffle(batches)
    return [place for batch in batches for place in batch] + short


def _cut(batch: Sequence[int], unit_of: Sequence[int], passes: int) -> list[list[int]]:
    pairs = [*batch, *[batch[-1] + len(unit_of)] * (passes - len(batch))]
    units = [unit_of[number % len(unit_of)] for number in pairs]
    ends = [number for number in range(1, len(pairs)) if units[number] != units[number - 1]]
    share = len(pairs) / passes
    cuts = [0]
    for number in range(1, passes):
        even = round(number * share)
        near = [end for end in ends if abs(end - even) <= share / 2 and end > cuts[-1]]
        cut = min(near, key=lambda end: abs(end - even), default=even)
        cuts.append(min(max(cut, cuts[-1] + 1), len(pairs) - (passes - number)))
    return [list(pairs[start:end]) for start, end in pairwise([*cuts, len(pairs)])]


def _chunks(items: list[_Place], size: int) -> list[list[_Place]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
