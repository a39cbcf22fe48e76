"""Builds what the trainer needs from its settings. Read when a message comes, never at import."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from services.trainer.parallel.machines import Machines
from services.trainer.trackers import Tracker
from shared.errors import InvalidInput
from shared.settings import WorkerSettings
from shared.types.lifecycle import StepName
from shared.worker.context import Work


class TrainerSettings(WorkerSettings):
    """`models` maps base model names to folders with weights and processor. `trainer_processes` above 1 launches
    training through accelerate; `trainer_threads`, of each, defaults to its share of the machine's cores.
    `trainer_grace_s` is how long a training that is asked to stop may take for its last checkpoint. `trackers` are
    named with commas between them."""

    models: dict[str, Path]
    work_dir: Path
    trainer_processes: int = Field(1, ge=1)
    trainer_threads: int | None = Field(None, ge=1)
    trainer_grace_s: float = Field(25, gt=0)
    trackers: Annotated[tuple[Tracker, ...], NoDecode] = ()

    @field_validator("trackers", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    def path_of(self, base_model: str) -> Path:
        """Raises InvalidInput when this trainer has no such model."""
        if base_model not in self.models:
            raise InvalidInput(
                f"base model {base_model!r} is not known to this trainer, which has: {', '.join(sorted(self.models))}",
                remedy="Choose one of these, or add it to SELFSYNTH_MODELS.",
                code="unknown_model",
            )
        return self.models[base_model]

    @property
    def machines(self) -> Machines:
        return Machines()

    @property
    def threads(self) -> int:
        """Of each process."""
        return self.trainer_threads or max(1, (os.cpu_count() or 1) // self.trainer_processes)


def steps_of(settings: TrainerSettings) -> dict[StepName, Work]:
    from services.trainer.export.step import export
    from services.trainer.step.train import train

    return {
        StepName.TRAIN: lambda context: train(context, settings),
        StepName.EXPORT: lambda context: export(context, settings),
    }
