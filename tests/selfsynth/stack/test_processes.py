"""Supervised processes, with real programs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from selfsynth.stack.processes import Process, Program
from services.trainer.wiring import TrainerSettings
from shared.errors import SystemFault

_WITH_A_CHILD_OF_ITS_OWN_SESSION = (
    "import subprocess, time; c = subprocess.Popen(['sleep', '600'], start_new_session=True); "
    "print(c.pid, flush=True); time.sleep(600)"
)


def _process(tmp_path: Path, *argv: str, patience_s: float = 5) -> Process:
    return Process(Program("program", argv, tmp_path / "program.log", env=dict(os.environ), patience_s=patience_s))


def _until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_process_that_dies_is_started_again(tmp_path: Path) -> None:
    process = _process(tmp_path, "sleep", "600")
    process.start()
    first = process.pid
    process.kill()
    _until(lambda: process.is_running)
    assert process.pid != first
    assert not _is_alive(first)
    process.stop()
    assert not process.is_running


def test_a_death_of_an_unsupervised_process_is_final_until_it_is_started(tmp_path: Path) -> None:
    process = _process(tmp_path, "sleep", "600")
    process.start()
    process.supervised = False
    process.kill()
    time.sleep(0.5)
    assert not process.is_running
    process.start()
    assert process.is_running
    process.stop()


def test_stop_kills_what_ignores_the_request(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"
    )
    process = _process(tmp_path, sys.executable, "-c", stubborn, patience_s=0.3)
    process.start()
    _until(lambda: process.last_words() == "on")
    pid = process.pid
    process.stop()
    assert not _is_alive(pid)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_descendants_in_sessions_of_their_own_end_with_the_process(tmp_path: Path, end: str) -> None:
    process = _process(tmp_path, sys.executable, "-c", _WITH_A_CHILD_OF_ITS_OWN_SESSION)
    process.supervised = False
    process.start()
    _until(lambda: bool(process.last_words()))
    grandchild = int(process.last_words())
    assert _is_alive(grandchild)
    getattr(process, end)()
    assert not _is_alive(grandchild)


def test_a_killed_guard_takes_the_process_with_it_and_both_come_back(tmp_path: Path) -> None:
    process = _process(tmp_path, "sleep", "600")
    process.start()
    first = process.pid
    psutil.Process(first).parent().kill()  # type: ignore[union-attr]
    _until(lambda: process.is_running and process.pid != first)
    assert not _is_alive(first)
    process.stop()


def test_the_supervisors_death_by_sigkill_leaves_nothing(tmp_path: Path) -> None:
    code = f"""
import os, pathlib, sys, time
from selfsynth.stack.processes import Process, Program
process = Process(Program("p", (sys.executable, "-c", {_WITH_A_CHILD_OF_ITS_OWN_SESSION!r}), pathlib.Path(sys.argv[1])))
process.start()
print("on", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"on\n"
        _until(lambda: (tmp_path / "log").read_text().strip() != "")
        below = psutil.Process(supervisor.pid).children(recursive=True)
        assert len(below) == 3
        os.kill(supervisor.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive


def test_a_program_that_keeps_dying_is_named_with_its_last_words(tmp_path: Path) -> None:
    process = _process(tmp_path, "sh", "-c", "echo the cellar is flooded >&2; exit 3")
    process.start()
    with pytest.raises(SystemFault, match=r"(?s)program ended while it was starting.*the cellar is flooded"):
        process.await_ready(lambda: False, within_s=20, exits_allowed=0)
    process.stop()


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    process = _process(tmp_path, "/nonexistent/program")
    process.start()
    with pytest.raises(SystemFault, match="/nonexistent/program cannot be started"):
        process.await_ready(lambda: False, within_s=20, exits_allowed=0)
    process.kill()
    process.stop()


def test_no_secret_stands_on_a_command_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = Program("program", ("sleep", "600"), log, env={"PATH": os.environ["PATH"], "SELFSYNTH_KEY": "hush"})
    process = Process(program)
    process.start()
    guard = psutil.Process(process.pid).parent()
    assert guard is not None
    assert "hush" not in " ".join(guard.cmdline() + psutil.Process(process.pid).cmdline()) + repr(program)
    assert psutil.Process(process.pid).environ()["SELFSYNTH_KEY"] == "hush"
    process.stop()


def test_a_stopped_trainer_is_given_the_time_that_its_last_checkpoint_may_take(tmp_path: Path) -> None:
    grace_s = TrainerSettings.model_fields["trainer_grace_s"].default
    assert Program("trainer", (), tmp_path / "trainer.log").patience_s > grace_s
