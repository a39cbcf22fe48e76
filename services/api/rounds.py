"""The order of steps, as a table. Pure: knows positions and step names, nothing of rows, queues or artefacts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.job_settings import JobSettings, benchmarked
from shared.types.lifecycle import StepName

BASE = (StepName.EVALUATE,)
FIRST = (StepName.DESCRIBE, StepName.SELECT_CONCEPTS, StepName.SYNTHESISE, StepName.TRAIN, StepName.EVALUATE)
REFRESH = (StepName.DESCRIBE, StepName.SELECT_CONCEPTS)
LATER = (StepName.ANSWER, StepName.SELECT_ANSWERS, StepName.TRAIN, StepName.EVALUATE)

# Jobs that are no tuning: a few steps in round 0.
ONE_OFF: dict[str, tuple[StepName, ...]] = {
    "ingest": (StepName.INGEST,),
    "concepts_endpoint": (StepName.ASK_CONCEPTS, StepName.CLEAN_CONCEPTS),
    "concepts_own": (StepName.VIEW_CONCEPTS, StepName.CLEAN_CONCEPTS),
    "concepts_newest": (StepName.CLEAN_CONCEPTS,),
    "export": (StepName.EXPORT,),
}
CONCEPT_KINDS = tuple(kind for kind in ONE_OFF if kind.startswith("concepts_"))

# A step whose examples can be worked on by several workers at once.
_SHARDED = frozenset(
    {StepName.DESCRIBE, StepName.SYNTHESISE, StepName.ANSWER, StepName.SELECT_ANSWERS, StepName.EVALUATE}
)


@dataclass(frozen=True, order=True)
class Position:
    """A step of a round. Round 0 is the base model."""

    round: int
    step: StepName


@dataclass(frozen=True)
class Chosen:
    """The steps that a job has by choice: the rounds that end with a benchmark, and whether each later round begins
    with the concepts chosen anew."""

    benchmarked: frozenset[int] = frozenset()
    refreshes: bool = False


NONE_CHOSEN = Chosen()


def chosen_steps(settings: Mapping[str, Any], rounds: int) -> Chosen:
    """From a job's settings as JSON; those of an older release may lack some."""
    refreshes = bool(settings.get("select_concepts", {}).get("refresh"))
    return Chosen(benchmarked(settings, rounds), refreshes)


def steps_of(round_: int, chosen: Chosen = NONE_CHOSEN) -> tuple[StepName, ...]:
    """The round's steps in order."""
    steps = BASE if round_ == 0 else FIRST if round_ == 1 else (*REFRESH, *LATER) if chosen.refreshes else LATER
    return (*steps, StepName.BENCHMARK) if round_ in chosen.benchmarked else steps


def plan(kind: str, rounds: int, chosen: Chosen = NONE_CHOSEN) -> tuple[Position, ...]:
    """All positions of a job in order. A `tuning` job evaluates the base, then come its rounds."""
    if kind in ONE_OFF:
        return tuple(Position(0, step) for step in ONE_OFF[kind])
    return tuple(Position(r, step) for r in range(rounds + 1) for step in steps_of(r, chosen))


def following(
    position: Position | None, rounds: int, kind: str = "tuning", chosen: Chosen = NONE_CHOSEN
) -> Position | None:
    """The position after `position` (None: before the first); None when the job is done."""
    positions = plan(kind, rounds, chosen)
    if position is None:
        return positions[0]
    after = positions.index(position) + 1
    return positions[after] if after < len(positions) else None


def shards_of(step: StepName, settings: JobSettings) -> int:
    """Into how many shards the step is cut."""
    return settings.shards if step in _SHARDED else 1
