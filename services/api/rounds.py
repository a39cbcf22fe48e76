"""The order of steps, as a table. Pure: knows positions and step names, nothing of rows, queues or artefacts."""

from collections.abc import Collection
from dataclasses import dataclass

from shared.job_settings import JobSettings
from shared.types.lifecycle import StepName

BASE = (StepName.EVALUATE,)
FIRST = (StepName.DESCRIBE, StepName.SELECT_CONCEPTS, StepName.SYNTHESISE, StepName.TRAIN, StepName.EVALUATE)
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


def steps_of(round_: int, benchmarked: Collection[int] = ()) -> tuple[StepName, ...]:
    """The round's steps in order."""
    steps = BASE if round_ == 0 else FIRST if round_ == 1 else LATER
    return (*steps, StepName.BENCHMARK) if round_ in benchmarked else steps


def plan(kind: str, rounds: int, benchmarked: Collection[int] = ()) -> tuple[Position, ...]:
    """All positions of a job in order. A `tuning` job evaluates the base, then come its rounds; those `benchmarked` end
    with a benchmark."""
    if kind in ONE_OFF:
        return tuple(Position(0, step) for step in ONE_OFF[kind])
    return tuple(Position(r, step) for r in range(rounds + 1) for step in steps_of(r, benchmarked))


def following(
    position: Position | None, rounds: int, kind: str = "tuning", benchmarked: Collection[int] = ()
) -> Position | None:
    """The position after `position` (None: before the first); None when the job is done."""
    positions = plan(kind, rounds, benchmarked)
    if position is None:
        return positions[0]
    after = positions.index(position) + 1
    return positions[after] if after < len(positions) else None


def shards_of(step: StepName, settings: JobSettings) -> int:
    """Into how many shards the step is cut."""
    return settings.shards if step in _SHARDED else 1
