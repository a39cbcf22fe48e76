"""The data worker: runs the steps of the queue `data`. Needs no database: it speaks to the coordinator."""

import os
from functools import partial
from typing import Any

from services.api.concepts.ask import ask_concepts
from services.api.ingest.step import Rules, ingest
from services.api.settings import IngestSettings
from shared.logs import configure
from shared.types.lifecycle import QueueName, StepName
from shared.types.tasks import StepTask
from shared.worker.context import Work
from shared.worker.harness import run_task
from shared.worker.rq_process import serve


def run_step(message: dict[str, Any]) -> None:
    """What the queue calls, in a forked child."""
    settings = IngestSettings()
    run_task(message, steps_of(settings)[StepTask.model_validate(message).step], settings)


def steps_of(settings: IngestSettings) -> dict[StepName, Work]:
    return {
        StepName.INGEST: partial(ingest, rules=rules_of(settings)),
        StepName.ASK_CONCEPTS: partial(
            ask_concepts, endpoints=settings.concept_endpoints, open_urls=settings.concept_open_urls
        ),
    }


def rules_of(settings: IngestSettings) -> Rules:
    return Rules(
        roots=settings.import_roots,
        limit_bytes=settings.upload_limit_bytes,
        processes=settings.ingest_processes or len(os.sched_getaffinity(0)),
        images=settings.image_rules,
        images_per_part=settings.images_per_part,
    )


def main() -> None:
    settings = IngestSettings()
    configure("data-worker", settings.log_level)
    serve(QueueName.DATA, settings)


if __name__ == "__main__":
    main()
