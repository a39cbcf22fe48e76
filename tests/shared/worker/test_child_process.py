"""A subprocess and what it started."""

import os
from pathlib import Path

import psutil

from shared.worker.child_process import ChildProcess, how_it_ended


def child(tmp_path: Path, script: str, **env: str) -> ChildProcess:
    return ChildProcess(("sh", "-c", script), {"PATH": os.environ["PATH"], **env}, tmp_path / "output", tmp_path)


def test_it_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    started = child(tmp_path, "sleep 60 & echo $! ; wait")
    while not started.said.strip():
        assert started.running(0.01)
    below = psutil.Process(int(started.said))
    started.kill()
    assert not below.is_running()
    assert how_it_ended(started.status) == "signal SIGKILL (the machine may be out of memory)"


def test_what_it_says_and_how_it_ends_are_kept(tmp_path: Path) -> None:
    ended = child(tmp_path, "echo $WORD; pwd >&2; exit 3", WORD="hello")
    while ended.running(1):
        pass
    assert ended.said.split() == ["hello", str(tmp_path)]
    assert how_it_ended(ended.status) == "exit status 3"
    ended.kill()  # of one that is over: nothing
