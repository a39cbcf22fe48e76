"""Whether the engine is to sleep, and which step must wait for its turn. Pure: knows steps, no engine and no rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.types.lifecycle import QUEUE_OF_STEP, QueueName, StepName


@dataclass(frozen=True)
class Use:
    """A step that is not over, of a job that runs. `is_live`: an attempt at it is queued or running.
    `engine_sleeps` is its job's setting."""

    job_id: str
    round: int
    step: StepName
    is_live: bool
    engine_sleeps: bool

    @property
    def generates(self) -> bool:
        return QUEUE_OF_STEP[self.step] is QueueName.GENERATION

    @property
    def needs_sleep(self) -> bool:
        return self.step is StepName.TRAIN and self.engine_sleeps

    @property
    def concerns_engine(self) -> bool:
        return self.generates or self.needs_sleep


def is_to_sleep(uses: Iterable[Use]) -> bool:
    return any(use.is_live and use.needs_sleep for use in uses)


def hindrance(mine: Use, uses: Iterable[Use]) -> str | None:
    """Why `mine` must not begin now; None: it may.

    Training waits for live generation only, and generation also for training that waits: otherwise jobs whose
    generation overlaps would never let it begin. No two wait for each other, since live steps need no turn.
    """
    for use in uses:
        if mine.needs_sleep and use.generates and use.is_live:
            return f"the engine cannot sleep yet: it is at {_named(use)}"
        if mine.generates and use.needs_sleep:
            return f"the engine {'sleeps' if use.is_live else 'is about to sleep'} for {_named(use)}"
    return None


def _named(use: Use) -> str:
    return f"{use.step.value} of round {use.round} of {use.job_id}"
