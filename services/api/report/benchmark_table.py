"""General ability as a table: a row a task and metric, a column a round. Pure."""

from collections.abc import Callable, Sequence

from services.api.report.contents import RoundReport
from shared.scoring.benchmark import BenchmarkChange


def benchmark_table(rounds: Sequence[RoundReport], name_of: Callable[[int], str]) -> tuple[list[str], list[list[str]]]:
    """Of the rounds that have benchmarks; of later ones also the change against the base, with its 95% interval."""
    there = [(entry.round, {_name(each): each for each in entry.benchmark}) for entry in rounds]
    there = [(round_, found) for round_, found in there if found]
    named = dict.fromkeys(name for _, found in there for name in found)
    rows = [[*name, *(_cell(found.get(name)) for _, found in there)] for name in named]
    return ["task", "metric", *(name_of(round_) for round_, _ in there)], rows


def _name(found: BenchmarkChange) -> tuple[str, str]:
    return found.task, found.metric + (" (lower is better)" if found.higher_is_better is False else "")


def _cell(found: BenchmarkChange | None) -> str:
    if found is None or found.change is None:
        return f"{found.value:.3f}" if found else ""
    low_high = f" ({found.interval[0]:+.3f} to {found.interval[1]:+.3f})" if found.interval else ""
    return f"{found.value:.3f}, {found.change:+.3f}{low_high}"
