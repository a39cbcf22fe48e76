"""The exporter as workers use it: another process, told through a pipe, whatever becomes of those who tell."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from rq import Worker

from selfsynth.stack import running_valkey
from shared.errors import SystemFault
from shared.observing import tally
from shared.observing.exporter import Exporter
from shared.observing.exporting import exporting
from shared.observing.figures import FIGURES, HEALTHY, MESSAGES, REQUEST_SECONDS, TRAINED_PAIRS
from shared.queues import connect, queue_of
from shared.types.lifecycle import QueueName
from tests.eventually import eventually
from tests.exposition import samples
from tests.ports import free_port

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
def port() -> Iterator[int]:
    chosen = free_port()
    with exporting(chosen, NOWHERE):
        yield chosen


def figures(port: int) -> dict[str, float]:
    return samples(httpx.get(f"http://127.0.0.1:{port}/metrics").text)


def test_what_a_killed_child_told_is_still_counted(port: int) -> None:
    if not (child := os.fork()):
        tally.tell(MESSAGES, step="describe", outcome="succeeded")
        tally.tell(TRAINED_PAIRS, 5)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    tally.tell(TRAINED_PAIRS, 2)
    eventually(lambda: figures(port)["selfsynth_training_pairs_total"] == 7)
    assert figures(port)['selfsynth_worker_messages_total{outcome="succeeded",step="describe"}'] == 1


def test_a_histogram_observes_what_is_told(port: int) -> None:
    for seconds in (0.2, 0.2, 7.0):
        tally.tell(REQUEST_SECONDS, seconds, step="answer")
    eventually(lambda: figures(port).get('selfsynth_generation_request_seconds_count{step="answer"}') == 3)
    assert figures(port)['selfsynth_generation_request_seconds_bucket{le="0.25",step="answer"}'] == 2


def test_without_a_channel_nothing_is_told_and_wrong_labels_are_a_fault() -> None:
    tally.tell(TRAINED_PAIRS)
    with pytest.raises(ValueError, match="has the labels"):
        tally.tell(MESSAGES, step="describe")


def test_a_reader_that_does_not_read_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    tally.open_channel(writing)
    for _ in range(5000):
        tally.tell(TRAINED_PAIRS)
    os.close(reading)
    tally.tell(TRAINED_PAIRS)
    tally.close_channel()


def test_a_port_that_is_taken_is_told(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemFault, match=f"port {port}"), exporting(port, NOWHERE):
        pass
    assert "Address already in use" in capfd.readouterr().err


def test_the_exporter_goes_on_while_a_worker_that_was_asked_to_stop_drains(port: int) -> None:
    [exporter] = [each for each in psutil.Process().children() if "shared.observing.exporter" in each.cmdline()]
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        exporter.send_signal(each)
    assert figures(port)["selfsynth_worker_healthy"] == 1


def test_health_tells_of_the_worker_and_of_the_queue(tmp_path: Path) -> None:
    port = free_port()
    with running_valkey(tmp_path) as url:
        queue = queue_of(connect(url), QueueName.DATA)
        worker = Worker([queue], connection=queue.connection, serializer="json")
        with exporting(port, url, worker.name):
            assert "knows no worker" in _health(port, 503)
            worker.register_birth()
            assert _health(port, 200) == "ok\n"
            queue.connection.hset(worker.key, "last_heartbeat", "2026-01-01T00:00:00.000000Z")
            assert "was last heard of" in _health(port, 503)
            queue.connection.shutdown(nosave=True)
            assert "the queue does not answer" in _health(port, 503)
            assert figures(port)[HEALTHY.name] == 0


def test_every_figure_of_the_table_is_served() -> None:
    served = {family.name for family in Exporter(lambda: "").registry.collect()}
    assert served == {figure.name for figure in (*FIGURES, HEALTHY)}


def _health(port: int, status: int) -> str:
    answer = httpx.get(f"http://127.0.0.1:{port}/healthz")
    assert answer.status_code == status
    return answer.text
