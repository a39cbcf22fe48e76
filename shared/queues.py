"""The queues, built in one place. A queue only carries messages; what is true stands in the database.

Messages are JSON and name their handler by its dotted name, so that no service's code is imported here.
"""

import contextlib
from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from shared.errors import QueueUnavailable
from shared.types.lifecycle import QUEUE_OF_STEP, QueueName
from shared.types.tasks import StepTask

HANDLERS: dict[QueueName, str] = {
    QueueName.DATA: "services.api.worker.run_step",
    QueueName.GENERATION: "services.generator.worker.run_step",
    QueueName.SELECTION: "services.selector.worker.run_step",
    QueueName.TRAINING: "services.trainer.worker.run_step",
}
# The truth is in the database: a message may vanish soon after it was handled.
_RESULT_TTL_S = 60
_FAILURE_TTL_S = 3600
_TAKEN_FOR = timedelta(seconds=15)


def connect(redis_url: str) -> Redis:
    return Redis.from_url(redis_url, socket_timeout=30, socket_connect_timeout=5, health_check_interval=15)


def queue_of(connection: Redis, name: QueueName) -> Queue:
    return Queue(name.value, connection=connection, serializer=JSONSerializer)


class Messages:
    """Sends step tasks and says whether a message is known. All errors of the queue are QueueUnavailable."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def send(self, task: StepTask) -> None:
        """Put the task into its step's queue. A live message of the same id is left alone, a dead one replaced."""
        name = QUEUE_OF_STEP[task.step]
        try:
            if self.knows(task.message_id):
                return
            self._forget(task.message_id)
            queue_of(self._connection, name).enqueue_call(
                HANDLERS[name],
                args=(task.message(),),
                job_id=task.message_id,
                timeout=-1,
                result_ttl=_RESULT_TTL_S,
                failure_ttl=_FAILURE_TTL_S,
                unique=True,
                description=task.message_id,
            )
        except DuplicateJobError:
            return
        except RedisError as error:
            raise _unavailable(error) from error

    def knows(self, message_id: str) -> bool:
        """Whether the message waits, or was taken by a worker so lately that it may still be about to start.

        A second delivery is harmless (the coordinator lets one attempt start once); a message nobody handles is not.
        """
        message = self._find(message_id)
        if message is None:
            return False
        status = message.get_status(refresh=False)
        if status == JobStatus.STARTED:
            return message.started_at is None or datetime.now(UTC) - _aware(message.started_at) < _TAKEN_FOR
        return bool(status == JobStatus.QUEUED)

    def returned(self, message_id: str) -> bool:
        """Whether the message's handler came to its end: proof that nothing of it runs any more."""
        message = self._find(message_id)
        return message is not None and bool(message.get_status(refresh=False) == JobStatus.FINISHED)

    def _find(self, message_id: str) -> Job | None:
        try:
            return Job.fetch(message_id, connection=self._connection, serializer=JSONSerializer)
        except NoSuchJobError:
            return None
        except RedisError as error:
            raise _unavailable(error) from error

    def _forget(self, message_id: str) -> None:
        with contextlib.suppress(NoSuchJobError):
            Job.fetch(message_id, connection=self._connection, serializer=JSONSerializer).delete()

    def ping(self) -> None:
        try:
            self._connection.ping()
        except RedisError as error:
            raise _unavailable(error) from error


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unavailable(error: Exception) -> QueueUnavailable:
    return QueueUnavailable(
        f"the queue does not answer: {error}", remedy="Check SELFSYNTH_REDIS_URL and that Redis or Valkey runs."
    )
