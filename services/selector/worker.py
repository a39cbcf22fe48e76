"""The selection worker: takes step tasks from its queue. Run it with `python -m services.selector.worker`."""

from typing import Any

from services.selector.wiring import SelectorSettings, build_encoder, build_steps, read_settings
from shared import logs
from shared.artefacts import ManifestRef
from shared.types.lifecycle import QueueName
from shared.worker.context import StepContext
from shared.worker.harness import run_task
from shared.worker.rq_process import serve


def run_step(message: dict[str, Any]) -> None:
    """What the queue calls, in a forked child: one attempt of one of the selection steps."""
    settings = read_settings()
    run_task(message, lambda context: _work(context, settings), settings)


def _work(context: StepContext, settings: SelectorSettings) -> ManifestRef:
    """The encoder is loaded under the lease, so that a missing one ends the attempt with its own error."""
    steps = build_steps(build_encoder(settings))
    return steps[context.task.step](context)


def main() -> None:
    from sentence_transformers import SentenceTransformer  # noqa: F401  slow, so once here for all forked children

    settings = read_settings()
    logs.configure("selector", settings.log_level)
    serve(QueueName.SELECTION, settings)


if __name__ == "__main__":
    main()
