"""The trainer's queue worker. `run_step` is what a message names; it knows no step's content."""

import importlib
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
    """Serve the queue until SIGTERM. Of several machines the first does; the others join what it launches."""
    settings = TrainerSettings()
    configure("trainer", settings.log_level)
    if settings.machines.count > 1 and settings.machines.rank > 0:
        with exporting(settings.metrics_port, settings.redis_url.get_secret_value()):
            follow(settings)
    for name in _PRELOAD:
        importlib.import_module(name)
    serve(QueueName.TRAINING, settings)


if __name__ == "__main__":
    main()
