"""The queues on a real Valkey."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from shared.artefacts import fingerprint
from shared.errors import QueueUnavailable
from shared.queues import HANDLERS, Messages, connect, queue_of
from shared.types.lifecycle import QueueName, StepName
from tests.ports import free_port
from tests.servers import valkey_url
from tests.shared.tasks import a_task

__all__ = ["valkey_url"]
TASK = a_task()


@pytest.fixture
def connection(valkey_url: str) -> Iterator[Redis]:
    opened = connect(valkey_url)
    opened.flushall()
    yield opened
    opened.close()


@pytest.fixture
def messages(connection: Redis) -> Messages:
    return Messages(connection)


def message(connection: Redis) -> Job:
    return Job.fetch(TASK.message_id, connection=connection, serializer=JSONSerializer)


def test_a_task_goes_into_its_steps_queue_as_json_that_names_its_handler(connection: Redis, messages: Messages) -> None:
    messages.send(TASK)
    assert queue_of(connection, QueueName.GENERATION).job_ids == ["job_1-1-describe-0-1"]
    assert message(connection).func_name == HANDLERS[QueueName.GENERATION]
    assert message(connection).args == [TASK.message()]


def test_a_message_is_sent_once_however_often_it_is_asked_for(connection: Redis, messages: Messages) -> None:
    for _ in range(3):
        messages.send(TASK)
    assert queue_of(connection, QueueName.GENERATION).count == 1
    assert messages.knows(TASK.message_id)


def test_an_emptied_queue_knows_nothing_and_takes_the_message_again(connection: Redis, messages: Messages) -> None:
    messages.send(TASK)
    connection.flushall()
    assert not messages.knows(TASK.message_id)
    messages.send(TASK)
    assert messages.knows(TASK.message_id)


def test_a_message_that_failed_is_replaced(connection: Redis, messages: Messages) -> None:
    messages.send(TASK)
    message(connection).set_status(JobStatus.FAILED)
    assert not messages.knows(TASK.message_id)
    messages.send(TASK)
    assert messages.knows(TASK.message_id)


def test_a_message_taken_long_ago_by_a_worker_that_never_started_is_not_known(
    connection: Redis, messages: Messages
) -> None:
    messages.send(TASK)
    taken = message(connection)
    taken.set_status(JobStatus.STARTED)
    taken.started_at = datetime.now(UTC)
    taken.save()
    assert messages.knows(TASK.message_id)
    taken.started_at = datetime.now(UTC) - timedelta(minutes=1)
    taken.save()
    assert not messages.knows(TASK.message_id)


@pytest.mark.parametrize("step", StepName)
def test_every_step_has_a_queue_and_a_handler(connection: Redis, messages: Messages, step: StepName) -> None:
    task = a_task(step=step, step_id=f"job_1-1-{step}-0")
    messages.send(task)
    assert messages.knows(task.message_id)


def test_a_queue_that_is_not_there_is_named_with_the_remedy() -> None:
    gone = Messages(connect(f"redis://127.0.0.1:{free_port()}"))
    with pytest.raises(QueueUnavailable) as caught:
        gone.send(TASK)
    assert "SELFSYNTH_REDIS_URL" in caught.value.remedy


def test_a_task_that_is_not_traced_is_one_that_workers_of_before_know() -> None:
    assert "traceparent" not in TASK.message()
    traced = TASK.model_copy(update={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    assert type(TASK).model_validate(traced.message()) == traced
    assert fingerprint(traced) == fingerprint(TASK)
