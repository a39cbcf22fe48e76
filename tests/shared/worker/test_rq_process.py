"""The queue's worker against a real Valkey: one that goes away, one behind TLS, and with few messages to handle."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rq.queue import Queue

from selfsynth.stack import running_valkey
from shared.queues import connect, queue_of
from shared.types.lifecycle import QueueName
from shared.worker.rq_process import DrainingWorker
from tests.servers import valkey_url
from tests.tls import certificate, in_tls

__all__ = ["valkey_url"]


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


@pytest.fixture
def waiting(valkey_url: str) -> Iterator[Queue]:
    """Two messages that wait."""
    queue = queue_of(connect(valkey_url), QueueName.DATA)
    queue.empty()
    for _ in range(2):
        queue.enqueue("a.handler")
    yield queue
    queue.empty()


def run_worker(redis_url: str, messages: int) -> subprocess.CompletedProcess[bytes]:
    settings = {
        "REDIS_URL": redis_url,
        "WORKER_MESSAGES": str(messages),
        "STORE_URL": "file:///nowhere",
        "COORDINATOR_URL": "http://nowhere",
        "WORKER_TOKEN": "token",
    }
    env = os.environ | {f"SELFSYNTH_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "services.api.worker"]
    return subprocess.run(command, env=env, capture_output=True, timeout=60, check=False)


def test_a_worker_for_one_message_takes_one_and_ends_also_where_there_is_none(waiting: Queue, valkey_url: str) -> None:
    for left in (1, 0, 0):
        assert run_worker(valkey_url, messages=1).returncode == 0
        assert waiting.count == left


def test_a_worker_reaches_its_queue_through_tls_and_no_other_authority_s_server(
    waiting: Queue, valkey_url: str, tmp_path: Path
) -> None:
    inner = urlsplit(valkey_url)
    with in_tls(inner.port or 0, certificate(tmp_path)) as port:
        outer = f"rediss://:{inner.password}@127.0.0.1:{port}/0"
        assert run_worker(outer, messages=1).returncode != 0
        assert waiting.count == 2
        assert run_worker(f"{outer}?ssl_ca_certs={tmp_path}/ca.crt", messages=1).returncode == 0
    assert waiting.count == 1
