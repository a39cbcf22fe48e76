"""What a step function is given. Small enough for a test to build by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from shared.artefacts import ManifestRef
from shared.errors import LaterRelease
from shared.job_settings import JobSettings
from shared.objects import ObjectStore
from shared.types.tasks import StepTask


def _ignore_progress(done: int, total: int, metrics: Mapping[str, float]) -> None:
    """Nobody watches."""


def _ignore_words(message: str) -> None:
    """Nobody listens."""


def _never_stop() -> None:
    """Nobody can stop this step."""


@dataclass(frozen=True)
class StepContext:
    """One attempt at work.

    `progress(done, total, metrics)` tells how far it is, in units of the step; a lost push never blocks work. `check()`
    raises StepStopped when the attempt must end (stale, cancelled, lease lost) and StepInterrupted when it should save
    what it has and let another worker go on. `tell(message)` writes a line into the job's events, for what a user
    should know of; like progress it may be lost.
    """

    task: StepTask
    store: ObjectStore
    progress: Callable[[int, int, Mapping[str, float]], None] = field(default=_ignore_progress)
    check: Callable[[], None] = field(default=_never_stop)
    tell: Callable[[str], None] = field(default=_ignore_words)

    @property
    def settings(self) -> JobSettings:
        """The coordinator has judged them: what is no setting here is one of a later release. Raises LaterRelease."""
        try:
            return JobSettings.model_validate(self.task.params)
        except ValidationError as error:
            raise LaterRelease(f"this worker does not know the job's settings: {error}") from error


Work = Callable[[StepContext], ManifestRef]
