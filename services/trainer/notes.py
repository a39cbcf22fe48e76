"""What the training subprocess tells the step: JSON lines while it runs, and a result. Knows no tensors, no store."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from services.trainer.plan import Note
from shared.types.records import LossPoint


class Pace(Note):
    """How fast this launch of the subprocess trains and what it took so far, all its processes together.

    `tokens_per_s` counts each pair's tokens, image tokens included, as if it had a sequence of its own: packing makes
    it larger. `mfu` is the share of what the devices could compute in bf16; 0 where that is not known.
    `gpu_memory_bytes` is the most that a process held on its device; 0 on a CPU, as are `gpu_seconds`.
    """

    tokens_per_s: float
    pairs_per_s: float = 0.0
    mfu: float = 0.0
    eta_s: float
    gpu_memory_bytes: int
    gpu_seconds: float
    cpu_seconds: float


class StepDone(Note):
    """One optimiser step is done, of `pairs`. `loss` is the mean over the batch's answer tokens."""

    event: Literal["step"] = "step"
    total: int
    pairs: int = 0
    point: LossPoint
    pace: Pace


class Validated(Note):
    """The held-out pairs' loss after an optimiser step."""

    event: Literal["validation"] = "validation"
    step: int
    loss: float


class CheckpointMade(Note):
    """A checkpoint's folder is complete. The reader may remove it."""

    event: Literal["checkpoint"] = "checkpoint"
    step: int
    folder: Path


class Remark(Note):
    """Something that the user should know of this training, in words."""

    event: Literal["remark"] = "remark"
    message: str


class Result(Note):
    """Training ended well. Of `pairs`, all that were trained on, `instruction_pairs` are general and not the job's
    own. `losses` also holds the points of the attempts that were resumed from. `not_packed` tells why pairs had
    sequences of their own, or is empty. With early stopping `held_out` pairs gave the validation loss, and the adapter
    is that of `best_step`. `base_precision` is the one in effect; `untrained` are parts of the language model that
    LoRA cannot be put on, such as fused experts."""

    losses: tuple[LossPoint, ...]
    pairs: int
    instruction_pairs: int = 0
    dropped: dict[str, int]
    dropped_instructions: dict[str, int] = Field(default_factory=dict)
    precision: str
    base_precision: str = "full"
    untrained: tuple[str, ...] = ()
    device: str
    not_packed: str = ""
    trainable_parameters: int
    seconds: float
    pace: Pace
    held_out: int = 0
    best_step: int | None = None
    stopped_early: bool = False


Event = StepDone | Validated | CheckpointMade | Remark
EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])
