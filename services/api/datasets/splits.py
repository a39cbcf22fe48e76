"""Draws the splits that a data set does not bring: seeded, and class by class. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from services.api.datasets.listing import Item
from shared.seeds import derive
from shared.types.records import Split


def with_splits(items: Iterable[Item], seed: int, validation_share: float, test_share: float) -> tuple[Item, ...]:
    """Every item with a split. Items of no split are shared out; then, where there is no validation at all, it is cut
    out of train. A class always keeps at least one train item. The order of `items` stays."""
    items = tuple(items)
    if any(item.split is None for item in items):
        items = _drawn(items, None, {"test": test_share}, seed)
        items = tuple(replace(item, split=item.split or "train") for item in items)
    if validation_share and not any(item.split == "validation" for item in items):
        items = _drawn(items, "train", {"validation": validation_share}, seed)
    return items


def _drawn(items: tuple[Item, ...], out_of: Split | None, shares: dict[Split, float], seed: int) -> tuple[Item, ...]:
    by_class: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.split == out_of:
            by_class[item.label].append(item)
    moved: dict[str, Split] = {}
    for label, members in by_class.items():
        shuffled = sorted(members, key=lambda item: derive(seed, "split", label, item.id))
        for split, share in shares.items():
            count = _count(len(members), share)
            moved |= {item.id: split for item in shuffled[:count]}
            shuffled = shuffled[count:]
    return tuple(replace(item, split=moved.get(item.id, item.split)) for item in items)


def _count(size: int, share: float) -> int:
    """The share, rounded, but at least one of a class with three or more, and never all."""
    if share <= 0 or size < 2:
        return 0
    return min(max(round(size * share), 1 if size >= 3 else 0), size - 1)
