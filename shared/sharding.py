"""Cutting a step's units into shards and parts. Pure."""

from collections.abc import Sequence
from typing import TypeVar

U = TypeVar("U")


def shard_of(units: Sequence[U], shard: int, shards: int) -> Sequence[U]:
    """The shard's contiguous share; shares differ by at most one unit and together are `units` in order."""
    start, end = (len(units) * k // shards for k in (shard, shard + 1))
    return units[start:end]


def cut(units: Sequence[U], per_part: int) -> list[Sequence[U]]:
    """Parts of `per_part` units, the last one shorter; part k is always the same units."""
    return [units[i : i + per_part] for i in range(0, len(units), per_part)]
