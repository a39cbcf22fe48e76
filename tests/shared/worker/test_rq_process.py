"""The queue's worker against a real Valkey that goes away."""

from pathlib import Path

from selfsynth.stack import running_valkey
from shared.queues import connect, queue_of
from shared.types.lifecycle import QueueName
from shared.worker.rq_process import DrainingWorker


def test_a_step_goes_on_while_the_queue_is_away(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as url:
        queue = queue_of(connect(url), QueueName.DATA)
        job = queue.enqueue("a.handler")
        worker = DrainingWorker([queue], connection=queue.connection, serializer="json")
        worker.register_birth()
        execution = worker.prepare_execution(job)
        worker.maintain_heartbeats(job, execution)
        assert queue.connection.exists(execution.key)
    worker.maintain_heartbeats(job, execution)
