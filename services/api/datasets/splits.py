"""Draws the splits that a data set does not bring: seeded, class by class, and never through a group. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.api.datasets.listing import Item
from shared.seeds import derive
from shared.types.records import Split

Group = tuple[Item, ...]


def with_splits(items: Iterable[Item], seed: int, validation_share: float, test_share: float) -> tuple[Item, ...]:
    """Every item with a split; what the publisher says stays. Items of no split are train, but for those that share a
    group with others. Then, where there is no test at all, it is cut out of train, and so is validation. A group is
    moved whole, and not when a part of it lies elsewhere. A class keeps a train item. The order of `items` stays."""
    items = _joined_to_their_groups(tuple(items))
    shares: dict[Split, float] = {"test": test_share, "validation": validation_share}
    for split, share in shares.items():
        if share and not any(item.split == split for item in items):
            items = _cut(items, split, share, seed)
    return items


def _joined_to_their_groups(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Items of no split get that of their group, or else train."""
    known = {item.group: item.split for item in items if item.group is not None and item.split}
    return tuple(item if item.split else replace(item, split=known.get(item.group or "", "train")) for item in items)


def _cut(items: tuple[Item, ...], split: Split, share: float, seed: int) -> tuple[Item, ...]:
    elsewhere = {item.group for item in items if item.split != "train"}
    left = Counter(item.label for item in items if item.split == "train")
    by_class: dict[str, list[Group]] = defaultdict(list)
    for group in _groups(item for item in items if item.split == "train"):
        by_class[_class_of(group)].append(group)
    moved: set[str] = set()
    for label, groups in sorted(by_class.items()):
        free = [group for group in groups if group[0].group is None or group[0].group not in elsewhere]
        order = sorted(free, key=lambda group: derive(seed, "split", label, group[0].group or group[0].id))
        goal = _goal(sum(map(len, groups)), len(groups), share)
        moved |= {item.id for group in _taken(order, goal, left) for item in group}
    return tuple(replace(item, split=split) if item.id in moved else item for item in items)


def _taken(order: Sequence[Group], goal: int, left: Counter[str]) -> list[Group]:
    """Groups until the goal is met: one that would lead further from it is passed over, as is one that would take the
    last item of a class, `left` being what train still has. Where all are too large, the smallest."""
    taken: list[Group] = []
    missing = goal
    for group in order:
        if abs(missing - len(group)) < missing and _may_go(group, left):
            taken.append(group)
            missing -= len(group)
            left.subtract(item.label for item in group)
    if goal and not taken:
        taken = [group for group in sorted(order, key=len) if _may_go(group, left)][:1]
        left.subtract(item.label for group in taken for item in group)
    return taken


def _may_go(group: Group, left: Counter[str]) -> bool:
    return all(left[label] > count for label, count in Counter(item.label for item in group).items())


def _groups(items: Iterable[Item]) -> list[Group]:
    """Items of one group together; an item without group is one of its own."""
    members: dict[tuple[bool, str], list[Item]] = defaultdict(list)
    for item in items:
        members[(item.group is None, item.id if item.group is None else item.group)].append(item)
    return [tuple(sorted(group, key=lambda item: item.id)) for group in members.values()]


def _class_of(group: Group) -> str:
    """The class of most of its items; of equals the first by name."""
    counts = Counter(item.label for item in group)
    return min(counts, key=lambda label: (-counts[label], label))


def _goal(size: int, group_count: int, share: float) -> int:
    """How many items of a class: the share, rounded, but at least one where there are three groups, and never all."""
    if group_count < 2:
        return 0
    return min(max(round(size * share), 1 if group_count >= 3 else 0), size - 1)
