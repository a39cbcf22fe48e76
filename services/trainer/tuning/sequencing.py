"""Whether a training's pairs share sequences: found out when it begins, and kept with each of its checkpoints.

Where they do, an image's pairs are neighbours in the order of training. A checkpoint's position is one in that order:
what goes on from it keeps the order, even where its pairs can no longer share sequences.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from services.trainer.packing.trial import Sequences, Trial
from services.trainer.parallel.agreement import any_process
from services.trainer.plan import Note, Plan
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.arguments import CHECKPOINTING
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.lora import precision_of

_FILE = "sequences.json"
_ELSEWHERE = "another process of this training cannot pack its base model"


class Kept(Note):
    """What a checkpoint tells. `grouped`: an image's pairs are neighbours. `attention` and `why_not`: of `Sequences`,
    before the checkpoint."""

    grouped: bool
    attention: str
    why_not: str


@dataclass(frozen=True)
class Sequencing:
    """`kept` is from the checkpoint that training goes on from, if it goes on from one."""

    sequences: Sequences
    kept: Kept | None

    @property
    def grouped(self) -> bool:
        return self.kept.grouped if self.kept else self.sequences.packed

    @property
    def news(self) -> str:
        """What the user should know and was not told before the checkpoint."""
        why_not = self.sequences.why_not
        told = self.kept is not None and self.kept.why_not == why_not
        return (
            f"each QA pair is trained in a sequence of its own: {why_not}"
            if self.sequences.refused and not told
            else ""
        )


def sequencing_of(
    plan: Plan, device: torch.device, model: Any, encoder: PairEncoder, pad_id: int, pairs: list[TokenPair]
) -> Sequencing:
    """The same for all processes. `device` is this one's, where the model will be trained."""
    kept = _kept(plan.checkpoint)
    trial = Trial(model, encoder, pad_id, plan.settings.pack_length, autocast=precision_of(plan) == "bf16")
    sequences = _own(plan, trial, model, pairs, kept)
    if any_process(not sequences.packed, device) and sequences.packed:
        sequences = trial.plain(_ELSEWHERE, refused=True)
    return Sequencing(sequences, kept)


def _own(plan: Plan, trial: Trial, model: Any, pairs: list[TokenPair], kept: Kept | None) -> Sequences:
    """Tried where and how the model will be trained: another device may compute otherwise."""
    if kept and not kept.grouped:
        return trial.plain(kept.why_not)
    if plan.parallel == "zero3":
        return trial.plain("train.parallel is zero3: a shared-out model cannot be tried", refused=True)
    if torch.cuda.is_available():
        model.cuda()
    if plan.settings.gradient_checkpointing:
        model.gradient_checkpointing_enable(CHECKPOINTING)
    first = kept.attention if kept else ""
    return trial.sequences(pairs, wanted=plan.settings.packing == "auto", first=first)


def _kept(checkpoint: Path | None) -> Kept | None:
    """None where training begins, or goes on from a checkpoint of a release that kept none."""
    file = checkpoint / _FILE if checkpoint else None
    return Kept.model_validate_json(file.read_text()) if file and file.exists() else None


class KeepSequencing(TrainerCallback):  # type: ignore[misc]
    """Puts it into every checkpoint, before the Reporter calls the checkpoint complete."""

    def __init__(self, plan: Plan, sequencing: Sequencing) -> None:
        self._folder = plan.folder / "trainer"
        sequences = sequencing.sequences
        self._kept = Kept(grouped=sequencing.grouped, attention=sequences.attention, why_not=sequences.why_not)

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.is_world_process_zero:
            made = self._folder / f"checkpoint-{state.global_step}"
            (made / _FILE).write_text(self._kept.model_dump_json())
