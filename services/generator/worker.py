"""The generation worker: takes step tasks from its queue. Holds no model; the engine is another process.

Run it with `python -m services.generator.worker`.
"""

from typing import Any

from services.generator.wiring import build_engine, build_judges, build_place, build_steps, read_settings
from shared import logs
from shared.types.lifecycle import QueueName
from shared.types.tasks import StepTask
from shared.worker.harness import run_task
from shared.worker.rq_process import serve


def run_step(message: dict[str, Any]) -> None:
    """What the queue calls, in a forked child: one attempt of one of the generation steps."""
    settings = read_settings()
    steps = build_steps(build_engine(settings), build_judges(settings), build_place(settings))
    run_task(message, steps[StepTask.model_validate(message).step], settings)


def main() -> None:
    settings = read_settings()
    logs.configure("generator", settings.log_level)
    serve(QueueName.GENERATION, settings)


if __name__ == "__main__":
    main()
