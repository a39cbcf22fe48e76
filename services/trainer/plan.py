"""What the step tells its training subprocess: a plan and the pairs, as plain files in one work folder.

Knows no tensors and no object store, so both sides import it cheaply. What comes back: services/trainer/notes.py.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.trainer.trackers import Tracker
from shared.job_settings import Parallel, TrainSettings

OUT_OF_MEMORY_REMEDY = (
    "Lower train.micro_batch_size, train.pack_length, train.max_length or train.lora_rank, or set "
    "train.gradient_checkpointing."
)


MARK = "launched"


class Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainPair(Note):
    """One question about one image, and the answer to learn, which may name the image's `label`. `image` is a path
    relative to the plan's image folder, `image_key` where it is stored; both are empty for a text without image.
    `held_out` pairs are not trained on: the validation loss is theirs. `general` ones are of instruction data and not
    the job's own."""

    image: str
    question: str
    answer: str
    label: str = ""
    image_key: str = ""
    held_out: bool = False
    general: bool = False


class Plan(Note):
    """All that the subprocess needs. Paths are local; `base_model` is the name that the adapter will carry.
    `processes` are those of all machines together, `threads` each one's. `trackers` keep below `tracking` what they
    send nowhere."""

    model_path: Path
    base_model: str
    folder: Path
    images: Path
    settings: TrainSettings
    seed: int
    adapter: Path | None = None
    checkpoint: Path | None = None
    processes: int = 1
    machines: int = 1
    threads: int = 1
    run_name: str = "training"
    trackers: tuple[Tracker, ...] = ()
    tracking: Path = Path("tracking")

    @property
    def parallel(self) -> Parallel:
        """The way in effect: a process alone shares nothing out."""
        return self.settings.parallel if self.processes > 1 else "ddp"

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
    def mark(self) -> Path:
        """Changes while the training is followed, where other machines are to join it."""
        return self.folder / MARK

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

    @property
    def best(self) -> Path:
        """The weights of the best validation loss so far, where early stopping looks for it."""
        return self.folder / "best.safetensors"


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
