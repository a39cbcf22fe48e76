"""How a round's general ability changed against the base, from what lmms-eval left of both."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from services.api.rounds import Position
from shared.benchmark_artefact import read_benchmarked
from shared.objects import ObjectStore
from shared.scoring.benchmark import BenchmarkChange, changes
from shared.types.lifecycle import StepName


def benchmark(store: ObjectStore, done: Mapping[Position, Sequence[str]], round_: int) -> list[BenchmarkChange]:
    """Empty for a round without one. The base is round 0, and has not changed."""
    now, base = (done.get(Position(at, StepName.BENCHMARK)) for at in (round_, 0))
    return _changes(store, now[0], base[0] if round_ and base else None) if now else []


@lru_cache(maxsize=256)
def _changes(store: ObjectStore, now: str, base: str | None) -> list[BenchmarkChange]:
    """Artefacts never change, so this may be kept."""
    return changes(read_benchmarked(store, now), read_benchmarked(store, base) if base else None)
