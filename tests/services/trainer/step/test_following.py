"""Two machines that train together: two workers on this one, which meet on a port of it."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from services.trainer.step.following import Launches
from tests.eventually import eventually
from tests.handling import handles
from tests.services.trainer.step.watched import Watched


def a_run(folder: Path, model: Path) -> Watched:
    return Watched(folder, model, epochs=0.75, learning_rate=1e-3, lora_dropout=0)


@contextmanager
def second_machine(work_dir: Path, store_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The worker of the second of two machines."""
    mine = {"STORE_URL": store_url, "REDIS_URL": "redis://127.0.0.1:1", "WORKER_TOKEN": "t"}
    mine |= {"COORDINATOR_URL": "http://127.0.0.1:1", "MODELS": "{}", "WORK_DIR": str(work_dir)}
    mine |= {"TRAINER_MACHINES": "2", "TRAINER_MACHINE_RANK": "1", "TRAINER_THREADS": "1"}
    environment = os.environ | {f"SELFSYNTH_{name}": value for name, value in mine.items()}
    with subprocess.Popen([sys.executable, "-m", "services.trainer.worker"], env=environment) as worker:
        yield worker
        worker.kill()


@pytest.fixture
def together(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A run on the first machine, while the second one's worker is there."""
    run = a_run(tmp_path, tiny_model)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("SELFSYNTH_TRAINER_MACHINES", "2")
    monkeypatch.setenv("SELFSYNTH_TRAINER_LEADER_PORT", str(port))
    with second_machine(run.settings.work_dir, run.settings.store_url):
        yield run


@pytest.mark.long
def test_two_machines_give_the_weights_of_one(together: Watched, tmp_path: Path, tiny_model: Path) -> None:
    manifest = together.finish()
    assert manifest.extra["processes"] == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFSYNTH_TRAINER_MACHINES", "1")
        one = a_run(tmp_path / "one", tiny_model)
        expected = one.weights(one.finish())
    for name, weight in together.weights(manifest).items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5)


def test_only_a_launch_whose_mark_moves_is_joined(tmp_path: Path) -> None:
    mark = tmp_path / "step" / "a1" / "run1" / "launched"
    mark.parent.mkdir(parents=True)
    launches = Launches(tmp_path)
    assert launches.alive(0) is None
    mark.write_text("1")
    assert launches.alive(1) is None, "it may be a dead one's"
    mark.write_text("2")
    assert launches.alive(2) == mark.parent
    assert launches.alive(1000) is None, "its leader is gone"


def test_a_launch_that_has_ended_is_left(tmp_path: Path) -> None:
    mark = tmp_path / "step" / "a1" / "run1" / "launched"
    mark.parent.mkdir(parents=True)
    launches = Launches(tmp_path)
    for said in "12":
        mark.write_text(said)
        launches.alive(1)
    mark.unlink()
    assert launches.alive(2) is None


def test_a_machine_that_is_to_stop_stays_while_a_launch_is_alive(tmp_path: Path) -> None:
    launch = tmp_path / "step" / "a1" / "run1"
    launch.mkdir(parents=True)
    said = itertools.count()

    def is_joined() -> bool:
        (launch / "launched").write_text(str(next(said)))
        return (launch / "stderr-machine1.txt").exists()

    with second_machine(tmp_path, f"file://{tmp_path}/store") as worker:
        eventually(is_joined)
        worker.terminate()
        time.sleep(3)  # it looks each second
        assert worker.poll() is None, "the other machine's last checkpoint needs this one"
        (launch / "launched").unlink()
        assert worker.wait(60) == 0


def test_a_machine_that_is_to_stop_leaves_where_nothing_is_launched(tmp_path: Path) -> None:
    with second_machine(tmp_path, f"file://{tmp_path}/store") as worker:
        eventually(lambda: handles(worker.pid, signal.SIGTERM))
        worker.terminate()
        assert worker.wait(60) == 0
