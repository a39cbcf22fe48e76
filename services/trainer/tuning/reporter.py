"""Tells the parent what the Trainer does, step by step, and turns SIGTERM into a checkpoint and the end."""

import shutil
from typing import Any

import torch
from transformers import TrainerCallback

from services.trainer.plan import CheckpointMade, Plan, StepDone
from shared.errors import UserFault
from shared.types.records import LossPoint


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Notes each optimiser step and each complete checkpoint; turns SIGTERM into a checkpoint and the end."""

    def __init__(self, plan: Plan, pairs: int) -> None:
        self._plan = plan
        self.pairs = pairs
        self._total = 0
        self.stopping = False

    def stop_soon(self, signum: int, frame: Any) -> None:
        self.stopping = True

    def point_of(self, entry: dict[str, Any]) -> LossPoint:
        done = min(entry["step"] * self._plan.settings.batch_size / self.pairs, self._plan.settings.epochs)
        return LossPoint(step=entry["step"], epoch=done, loss=entry["loss"], learning_rate=entry["learning_rate"])

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if self.stopping:
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        entry = state.log_history[-1]
        if "loss" not in entry:
            return
        if not torch.isfinite(torch.tensor(entry["loss"])):
            raise UserFault(
                f"the training loss is {entry['loss']} at optimiser step {state.global_step}",
                remedy="Lower train.learning_rate, or train in float32.",
                code="training_diverged",
            )
        if state.is_world_process_zero:
            self._note(StepDone(total=state.max_steps, point=self.point_of(entry)))

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Called when the files are all there; a renamed folder cannot be taken for a half-written one."""
        if state.is_world_process_zero:
            made = self._plan.folder / "trainer" / f"checkpoint-{state.global_step}"
            complete = self._plan.folder / f"complete-{state.global_step}"
            shutil.rmtree(complete, ignore_errors=True)
            made.rename(complete)
            self._note(CheckpointMade(step=state.global_step, folder=complete))

    def _note(self, note: StepDone | CheckpointMade) -> None:
        with self._plan.notes.open("a") as notes:
            notes.write(f"{note.model_dump_json()}\n")
