"""Reports to experiment trackers through transformers' own callbacks. Knows no trainer's settings but the plan's.

Nothing here may end a training: a tracker that fails is warned of and left alone from then on.
"""

import os
from collections.abc import Callable
from typing import Any

import structlog
from transformers import TrainerCallback
from transformers.integrations.integration_utils import get_reporting_integration_callbacks

from services.trainer.plan import Plan
from services.trainer.trackers import Tracker

log = structlog.get_logger(__name__)


def trackers_of(plan: Plan) -> list["Guarded"]:
    """For the first process of a training. Without network all is written below `plan.tracking`."""
    if not plan.trackers:
        return []
    for name, value in _surroundings(plan).items():
        os.environ.setdefault(name, value)
    # One folder a run, wherever they are kept.
    folder = os.environ.get("TENSORBOARD_LOGGING_DIR", f"{plan.tracking}/tensorboard")
    os.environ["TENSORBOARD_LOGGING_DIR"] = f"{folder}/{plan.run_name}"
    return [Guarded(tracker) for tracker in plan.trackers]


def _surroundings(plan: Plan) -> dict[str, str]:
    """What the trackers are told where the operator's environment does not say else."""
    online = {} if "WANDB_API_KEY" in os.environ else {"WANDB_MODE": "offline"}
    return online | {
        "WANDB_PROJECT": "selfsynth",
        "WANDB_DIR": str(plan.tracking),
        "WANDB_SILENT": "true",
        "MLFLOW_TRACKING_URI": f"file:{plan.tracking}/mlflow",
        "MLFLOW_EXPERIMENT_NAME": "selfsynth",
        # Releases that call files old-fashioned refuse them unless told so; a database would need more packages.
        "MLFLOW_ALLOW_FILE_STORE": "true",
        # A server that is away must not hold training up for minutes.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    }


class Guarded(TrainerCallback):  # type: ignore[misc]
    """A tracker's callback, whose errors end nothing but itself."""

    def __init__(self, tracker: Tracker, make: Callable[[], Any] | None = None) -> None:
        """`make` builds the callback; transformers' for this tracker by default."""
        self._tracker: Tracker = tracker
        self._make = make or get_reporting_integration_callbacks([tracker])[0]
        self._callback: Any = None
        self._failed = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._tell("on_train_begin", args, state, control, **more)

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._tell("on_log", args, state, control, **more)

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._tell("on_train_end", args, state, control, **more)
        if self._tracker == "wandb" and not self._failed:
            self._guard(_finish_wandb)

    def _tell(self, event: str, *args: Any, **more: Any) -> None:
        if not self._failed:
            self._guard(lambda: getattr(self._made(), event)(*args, **more))

    def _made(self) -> Any:
        self._callback = self._callback or self._make()
        return self._callback

    def _guard(self, act: Callable[[], object]) -> None:
        try:
            act()
        # Foreign code that writes to disks and networks: there is no telling what it raises.
        except Exception as fault:
            self._failed = True
            log.warning("tracker failed and is left alone", tracker=self._tracker, error=repr(fault)[:300])


def _finish_wandb() -> None:
    """It would wait for the interpreter's orderly end, which the training program does not take."""
    import wandb

    wandb.finish()
