"""The trainer's queue worker. `run_step` is what a message names; it knows no step's content."""

import importlib
import signal
import threading
from typing import Any

from services.trainer.step.following import follow
from services.trainer.wiring import TrainerSettings, steps_of
from shared.logs import configure
from shared.observing.exporting import exporting
from shared.types.lifecycle import QueueName
from shared.types.tasks import StepTask
from shared.worker.harness import run_task
from shared.worker.rq_process import serve

# What a forked child would otherwise import anew for each message. Training itself is a fresh process: no torch here.
_PRELOAD = ("services.trainer.step.train", "services.trainer.export.step")


def run_step(message: dict[str, Any]) -> None:
    """Handle one message of the queue `training`."""
    settings = TrainerSettings()
    run_task(message, steps_of(settings)[StepTask.model_validate(message).step], settings)


def main() -> None:
    """Until SIGTERM. Of several machines the first serves the queue; the others join what it launches."""
    settings = TrainerSettings()
    configure("trainer", settings.log_level)
    if settings.machines.count > 1 and settings.machines.rank > 0:
        _join_the_first(settings)
    else:
        _serve(settings)


def _join_the_first(settings: TrainerSettings) -> None:
    """Handles SIGTERM itself: without a handler the first process of a container never hears of it."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda signum, frame: stopping.set())
    with exporting(settings.metrics_port, settings.redis_url.get_secret_value()):
        follow(settings, stopping)


def _serve(settings: TrainerSettings) -> None:
    for name in _PRELOAD:
        importlib.import_module(name)
    serve(QueueName.TRAINING, settings)


if __name__ == "__main__":
    main()
