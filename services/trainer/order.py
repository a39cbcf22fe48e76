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


class Turn(NamedTuple):
    """A pair, by number, when it is trained on in an epoch, counted from 0. One that does not count fills a place."""

    pair: int
    epoch: int = 0
    counts: bool = True


class _Place(NamedTuple):
    """Sorts by length, and keeps a unit's pairs together."""

    length: int
    unit: int
    turn: Turn


def order_of(units: Sequence[Unit], epochs: float, batch_size: int, seed: int) -> list[Turn]:
    """The pairs' turns in the order of training: optimiser step k trains items k*batch_size onwards.

    Each epoch is a permutation of the units (the last one cut where `epochs` is fractional). Units of like length share
    a batch, to save padding: within groups of 8 batches they are sorted by length, and then the batches are shuffled.
    """
    rng = random.Random(seed)
    wanted = max(1, round(epochs * sum(len(unit.pairs) for unit in units)))
    order: list[_Place] = []
    epochs_begun = 0
    while len(order) < wanted:
        for number, unit in enumerate(rng.sample(units, len(units)), epochs_begun * len(units)):
            order += (_Place(unit.length, number, Turn(pair, epochs_begun)) for pair in unit.pairs)
        epochs_begun += 1
    del order[wanted:]
    return [place.turn for group in _chunks(order, 8 * batch_size) for place in _grouped(group, batch_size, rng)]


def passes_of(order: Sequence[Turn], unit_of: Sequence[int], batch_size: int, passes: int) -> list[list[Turn]]:
    """The turns of each forward pass: `passes` of them make an optimiser step of `batch_size` pairs.

    They are cut where a unit ends, if such a place is near. `unit_of` tells each pair's unit. Each pass needs a pair,
    on every process: a batch of fewer pairs than passes is filled with some that do not count.
    """
    batches = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return [forward for batch in batches for forward in _cut(batch, unit_of, passes)]


def _grouped(group: list[_Place], batch_size: int, rng: random.Random) -> list[_Place]:
    batches = _chunks(sorted(group), batch_size)
    short = batches.pop() if len(batches[-1]) < batch_size else []
    rng.shuffle(batches)
    return [place for batch in batches for place in batch] + short


def _cut(batch: Sequence[Turn], unit_of: Sequence[int], passes: int) -> list[list[Turn]]:
    turns = [*batch, *[batch[-1]._replace(counts=False)] * (passes - len(batch))]
    units = [(unit_of[turn.pair], turn.epoch) for turn in turns]
    ends = [number for number in range(1, len(turns)) if units[number] != units[number - 1]]
    share = len(turns) / passes
    cuts = [0]
    for number in range(1, passes):
        even = round(number * share)
        near = [end for end in ends if abs(end - even) <= share / 2 and end > cuts[-1]]
        cut = min(near, key=lambda end: abs(end - even), default=even)
        cuts.append(min(max(cut, cuts[-1] + 1), len(turns) - (passes - number)))
    return [turns[start:end] for start, end in pairwise([*cuts, len(turns)])]


def _chunks(items: list[_Place], size: int) -> list[list[_Place]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
