"""When training has got no better for long enough, and where its best weights are. Knows no model and no pairs.

All is decided from the losses of the validations so far, which every checkpoint holds: a resumed run decides the same.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from services.trainer.plan import Plan

VALIDATION = "eval_loss"
_WEIGHTS = "adapter_model.safetensors"

History = Sequence[Mapping[str, Any]]


def best_step(history: History) -> int | None:
    """The first step of the least validation loss; None before the first validation."""
    seen = [entry for entry in history if VALIDATION in entry]
    return min(seen, key=lambda entry: float(entry[VALIDATION]))["step"] if seen else None


def is_over(history: History, patience: int) -> bool:
    """Whether the last `patience` validations were no better than the best before them."""
    steps = [entry["step"] for entry in history if VALIDATION in entry]
    best = best_step(history)
    return best is not None and len(steps) - 1 - steps.index(best) >= patience


class EarlyStop(TrainerCallback):  # type: ignore[misc]
    def __init__(self, patience: int) -> None:
        self._patience = patience

    def on_evaluate(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if is_over(state.log_history, self._patience):
            control.should_training_stop = True


def keep_best(plan: Plan, checkpoint: Path, history: History, step: int) -> None:
    """Every checkpoint carries the best weights so far, as links: a resumed run may never see better ones."""
    if best_step(history) == step:
        plan.best.unlink(missing_ok=True)
        os.link(checkpoint / _WEIGHTS, plan.best)
    if plan.best.exists():
        os.link(plan.best, checkpoint / plan.best.name)


def take_best(plan: Plan) -> None:
    """The best weights that the plan's checkpoint carries."""
    carried = plan.checkpoint / plan.best.name if plan.checkpoint else None
    if carried and carried.exists():
        os.link(carried, plan.best)
