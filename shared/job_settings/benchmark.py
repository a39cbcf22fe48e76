"""What a job may choose about benchmarks of general ability. Pure; which tasks there are only the operator knows."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared.job_settings.fields import StepSettings

# Of lmms-eval, whose patterns, lists and file names are not let through.
TaskName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=200)]
Round = Annotated[int, Field(ge=1, strict=True)]


class BenchmarkSettings(StepSettings):
    """lmms-eval's `tasks`, after the `rounds` named (None: after each) and for the base, of which the change is told.
    `limit`: so many examples of each task; None: all."""

    tasks: tuple[TaskName, ...] = Field(min_length=1, max_length=50)
    rounds: tuple[Round, ...] | None = Field(None, min_length=1, max_length=20)
    limit: int | None = Field(None, ge=1, strict=True)


def benchmarked(settings: Mapping[str, Any], rounds: int) -> frozenset[int]:
    """The rounds of a job that end with a benchmark, from its settings as JSON. The base (round 0) is always one."""
    wanted = settings.get("benchmark")
    if wanted is None:
        return frozenset()
    return frozenset({0, *(wanted.get("rounds") or range(1, rounds + 1))})
