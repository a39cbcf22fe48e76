"""Which experiment trackers a trainer reports to. The operator's choice, not a job's. Knows no training."""

import importlib.util
from typing import Literal

import structlog

log = structlog.get_logger(__name__)

Tracker = Literal["tensorboard", "wandb", "mlflow"]
_GROUP: dict[Tracker, str] = {"tensorboard": "trackers", "wandb": "wandb", "mlflow": "mlflow"}


def installed(trackers: tuple[Tracker, ...]) -> tuple[Tracker, ...]:
    """Those that are. The others are warned of: no training fails for want of its tracker."""
    missing = [tracker for tracker in trackers if importlib.util.find_spec(tracker) is None]
    for tracker in missing:
        log.warning("tracker is not installed", tracker=tracker, remedy=f"run tools/install.sh {_GROUP[tracker]}")
    return tuple(tracker for tracker in trackers if tracker not in missing)
