"""The long-lived worker process of one queue: RQ's forking worker with JSON messages and a drain on SIGTERM.

The parent holds no accelerator and no threads; each message runs in a forked child that leads its own process group.
"""

import contextlib
import os
import signal
from types import FrameType

import structlog
from redis.exceptions import RedisError
from rq import Worker
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue

from shared.observing.exporting import exporting
from shared.queues import connect, queue_of
from shared.settings import WorkerSettings
from shared.types.lifecycle import QueueName
from shared.worker.parent_death import die_with_parent

log = structlog.get_logger(__name__)

_MAINTENANCE_S = 5
_WORKER_TTL_S = 30


class DrainingWorker(Worker):
    """On SIGTERM the running step is asked to save and hand back; on the worker's own death it dies too."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """RQ's own would end this process, and the running step with it, whenever the queue is away for a moment."""
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            log.warning("the queue does not answer; the step goes on", error=str(error))

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent()
        super().main_work_horse(job, queue)


def serve(queue: QueueName, settings: WorkerSettings) -> None:
    """Handle the queue's messages until SIGTERM; with `worker_messages` no more than so many, and none that is yet to
    come: a process that was started for a message must end when another took it."""
    redis_url = settings.redis_url.get_secret_value()
    connection = connect(redis_url)
    worker = DrainingWorker(
        [queue_of(connection, queue)],
        connection=connection,
        serializer="json",
        maintenance_interval=_MAINTENANCE_S,
        worker_ttl=_WORKER_TTL_S,
        job_monitoring_interval=_MAINTENANCE_S,
    )
    limit = settings.worker_messages
    with exporting(settings.metrics_port, redis_url, worker.name):
        worker.work(logging_level=None, burst=bool(limit), max_jobs=limit or None)
