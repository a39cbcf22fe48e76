"""What is refused of the benchmarks that a job asks for, before it is posted."""

from collections.abc import Sequence

from services.api.problems import Problem
from shared.job_settings import JobSettings


def check_benchmark(settings: JobSettings, allowed: Sequence[str]) -> None:
    """That the benchmarks may be run, for a job that wants some. Raises Problem."""
    if settings.benchmark is None:
        return
    unknown = [task for task in settings.benchmark.tasks if task not in allowed]
    if not unknown:
        return
    if not allowed:
        message = "no benchmarks are set up here"
        remedy = "Leave settings.benchmark out, or have them set up (docs/operations.md, 'General ability')."
    else:
        message = f"these benchmarks are not set up here: {', '.join(unknown)}"
        remedy = f"Use some of: {', '.join(allowed)}; or have more set up (docs/operations.md, 'General ability')."
    faults = [{"field": "settings.benchmark.tasks", "message": message}]
    raise Problem("benchmark_not_available", message, remedy=remedy, faults=faults)


def rounds_lacking(settings: JobSettings, rounds: int) -> list[dict[str, str]]:
    """The fault of naming rounds that the job does not have; none."""
    named = (settings.benchmark and settings.benchmark.rounds) or ()
    if max(named, default=0) <= rounds:
        return []
    return [{"field": "settings.benchmark.rounds", "message": f"the job has {rounds} rounds; name some of these"}]
