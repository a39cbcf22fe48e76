"""What the step and its training subprocess say to each other: a plan in, JSON lines and a result out.

Plain files in one work folder. Knows no tensors and no object store, so both sides import it cheaply.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.job_settings import TrainSettings
from shared.types.records import LossPoint


class Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainPair(Note):
    """One question about one image, and the answer to learn. `image` is a path relative to the plan's image folder,
    `image_key` where it is stored."""

    image: str
    question: str
    answer: str
    image_key: str = ""


class Plan(Note):
    """All that the subprocess needs. Paths are local; `base_model` is the name that the adapter will carry."""

    model_path: Path
    base_model: str
    folder: Path
    images: Path
    settings: TrainSettings
    seed: int
    adapter: Path | None = None
    checkpoint: Path | None = None
    processes: int = 1
    threads: int = 1

    @property
    def file(self) -> Path:
        return self.folder / "plan.json"

    @property
    def pairs(self) -> Path:
        return self.folder / "pairs.jsonl"

    @property
    def notes(self) -> Path:
        """Where the subprocess appends its notes, one JSON object a line."""
        return self.folder / "notes.jsonl"

    @property
    def stderr(self) -> Path:
        return self.folder / "stderr.txt"

    @property
    def error(self) -> Path:
        """An ErrorReport, when the subprocess knew what was wrong."""
        return self.folder / "error.json"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def trained(self) -> Path:
        """The folder of the finished adapter's files."""
        return self.folder / "adapter"


class StepDone(Note):
    """One optimiser step is done. `loss` is the mean over the batch's answer tokens."""

    event: Literal["step"] = "step"
    total: int
    point: LossPoint


class CheckpointMade(Note):
    """A checkpoint's folder is complete. The reader may remove it."""

    event: Literal["checkpoint"] = "checkpoint"
    step: int
    folder: Path


class Result(Note):
    """Training ended well. `losses` also holds the points of the attempts that were resumed from. `not_packed` tells
    why pairs had sequences of their own, or is empty."""

    losses: tuple[LossPoint, ...]
    pairs: int
    dropped: dict[str, int]
    precision: str
    device: str
    not_packed: str = ""
    trainable_parameters: int
    seconds: float


Event = Annotated[StepDone | CheckpointMade, Field(discriminator="event")]
EVENTS: TypeAdapter[StepDone | CheckpointMade] = TypeAdapter(Event)


def write_pairs(plan: Plan, pairs: Sequence[TrainPair]) -> None:
    plan.pairs.write_text("".join(f"{pair.model_dump_json()}\n" for pair in pairs))


def read_pairs(plan: Plan) -> list[TrainPair]:
    return [TrainPair.model_validate_json(line) for line in plan.pairs.read_text().splitlines()]


def accumulation_of(settings: TrainSettings, processes: int) -> tuple[int, int]:
    """(pairs a forward pass and process, forward passes an optimiser step): their product times `processes` is the
    batch size, rounded up to a multiple of `processes`. The micro batch is the largest one that fits evenly."""
    share = math.ceil(settings.batch_size / processes)
    limit = min(share, settings.micro_batch_size or share)
    micro = max(size for size in range(1, limit + 1) if share % size == 0)
    return micro, share // micro
