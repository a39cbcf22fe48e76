"""Tells the parent what the Trainer does, step by step, and turns SIGTERM into a checkpoint and the end.

Each process of a training has one; what must be done by all at once is agreed upon between them.
"""

import shutil
from collections.abc import Callable
from typing import Any

from torch import distributed
from transformers import TrainerCallback

from services.trainer.notes import CheckpointMade, Event, Remark, StepDone, Validated
from services.trainer.parallel.agreement import any_process
from services.trainer.plan import Plan
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.cost import Cost
from services.trainer.tuning.early_stopping import VALIDATION, History, keep_best
from services.trainer.tuning.pace import Done, Stopwatch
from shared.types.records import LossPoint


class Reporter(TrainerCallback):  # type: ignore[misc]
    """`pairs` are trained on in an epoch; `pairs_of_step` tells which in an optimiser step."""

    def __init__(
        self, plan: Plan, pairs: int, pairs_of_step: Callable[[int], list[TokenPair]], watch: Stopwatch, cost: Cost
    ) -> None:
        self._plan = plan
        self.pairs = pairs
        self._pairs_of_step = pairs_of_step
        self._watch = watch
        self._cost = cost
        self.stopping = False

    def stop_soon(self, signum: int, frame: Any) -> None:
        self.stopping = True

    def remark(self, message: str) -> None:
        self._note(Remark(message=message))

    def points(self, history: History) -> tuple[LossPoint, ...]:
        """One a step, with the validation's loss where there was one."""
        validations = {entry["step"]: entry[VALIDATION] for entry in history if VALIDATION in entry}
        return tuple(
            self._point(entry).model_copy(update={"validation_loss": validations.get(entry["step"])})
            for entry in history
            if "loss" in entry
        )

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._watch.start_steps()

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        # All must end after the same step: one that goes on alone would wait for ever.
        self.stopping = any_process(self.stopping, args.device)
        if self.stopping:
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        entry = state.log_history[-1]
        if "loss" not in entry:
            return
        point, pairs = self._point(entry), self._pairs_of_step(entry["step"])
        self._watch.step_done(Done(point.tokens or 0, len(pairs), self._cost.flops(pairs)))
        if state.is_world_process_zero:
            pace = self._watch.pace(state.max_steps - state.global_step)
            self._note(StepDone(total=state.max_steps, pairs=len(pairs), point=point, pace=pace))

    def on_evaluate(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.is_world_process_zero:
            entry = state.log_history[-1]
            self._note(Validated(step=entry["step"], loss=entry[VALIDATION]))

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Called when this process has written its files. When all have, the folder is renamed: a renamed one cannot
        be taken for a half-written one."""
        if distributed.is_initialized():
            distributed.barrier()
        if state.is_world_process_zero:
            made = self._plan.folder / "trainer" / f"checkpoint-{state.global_step}"
            complete = self._plan.folder / f"complete-{state.global_step}"
            keep_best(self._plan, made, state.log_history, state.global_step)
            shutil.rmtree(complete, ignore_errors=True)
            made.rename(complete)
            self._note(CheckpointMade(step=state.global_step, folder=complete))

    def _point(self, entry: Any) -> LossPoint:
        done = min(entry["step"] * self._plan.settings.batch_size / self.pairs, self._plan.settings.epochs)
        return LossPoint(
            step=entry["step"],
            epoch=done,
            loss=entry["loss"],
            learning_rate=entry["learning_rate"],
            grad_norm=entry.get("grad_norm"),
            tokens=sum(len(pair.ids) for pair in self._pairs_of_step(entry["step"])),
        )

    def _note(self, note: Event) -> None:
        with self._plan.notes.open("a") as notes:
            notes.write(f"{note.model_dump_json()}\n")
