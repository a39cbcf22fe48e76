"""The data worker: runs `ingest` messages of the queue `data`. Needs no database: it speaks to the coordinator."""

from functools import partial
from typing import Any

from services.api.ingest import ingest
from services.api.settings import IngestSettings
from shared.logs import configure
from shared.types.lifecycle import QueueName
from shared.worker.harness import run_task
from shared.worker.rq_process import serve


def run_step(message: dict[str, Any]) -> None:
    """What the queue calls, in a forked child."""
    settings = IngestSettings()
    work = partial(ingest, roots=settings.import_roots, upload_limit_bytes=settings.upload_limit_bytes)
    run_task(message, work, settings)


def main() -> None:
    settings = IngestSettings()
    configure("data-worker", settings.log_level)
    serve(QueueName.DATA, settings.redis_url.get_secret_value())


if __name__ == "__main__":
    main()
