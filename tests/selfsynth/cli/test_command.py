"""The command as a user types it: exit codes, one clear line for an error, no traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from selfsynth.cli import main
from selfsynth.stack import Stack, find_running
from shared.errors import NotFound
from tests.models import tiny_llava

_COMMAND = [sys.executable, "-m", "selfsynth"]
Capture = pytest.CaptureFixture[str]


def _run(*arguments: str) -> int:
    """The exit code. In this process, since the interpreter and its imports take their time."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def _is_one_clear_error(told: str, *words: str) -> None:
    assert told.startswith("error: ")
    for word in words:
        assert word in told


def test_the_module_is_the_command_and_a_fault_of_the_user_shows_no_traceback(tmp_path: Path) -> None:
    folder = str(tmp_path / "none")
    done = subprocess.run([*_COMMAND, "jobs", "list", "--folder", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    _is_one_clear_error(done.stderr, f"no stack runs on {folder}", "selfsynth up")
    assert "Traceback" not in done.stderr


def test_help_lists_the_commands(capsys: Capture) -> None:
    assert _run("--help") == 0
    told = capsys.readouterr().out
    assert [command for command in ("up", "demo", "run", "jobs", "datasets") if command not in told] == []


@pytest.mark.parametrize(
    "arguments", [("frob",), ("jobs", "show"), ("run",), ("up", "--port", "x"), ("up", "--port", "80000")]
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert _run(*arguments) == 2


def test_half_an_address_is_refused(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSYNTH_URL", "http://127.0.0.1:1")
    assert _run("jobs", "list") == 1
    _is_one_clear_error(capsys.readouterr().err, "--url is given without --key")


def test_illegal_settings_are_told_before_anything_starts(tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "stack"
    settings = ("--settings", "train.epoch=3", "--settings", "describe.samples=0")
    assert _run("run", "--dataset", str(tmp_path), "--folder", str(folder), *settings) == 1
    _is_one_clear_error(capsys.readouterr().err, "settings.train.epoch", "settings.describe.samples")
    assert not folder.exists()


def test_a_data_set_that_is_not_there_is_told_before_anything_starts(tmp_path: Path, capsys: Capture) -> None:
    assert _run("run", "--dataset", str(tmp_path / "none"), "--folder", str(tmp_path / "stack")) == 1
    _is_one_clear_error(capsys.readouterr().err, "there is nothing at")


def test_a_model_without_its_checkpoint_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert _run("up", "--model", "other", "--folder", str(tmp_path / "stack")) == 1
    _is_one_clear_error(capsys.readouterr().err, "'other'", "--model-path")


def test_a_second_up_and_a_taken_port_are_told(tmp_path: Path, capsys: Capture) -> None:
    model = ("--model-path", str(tiny_llava(tmp_path / "model")))
    with Stack(tmp_path / "first", services=()) as stack:
        capsys.readouterr()
        assert _run("up", "--folder", str(tmp_path / "first"), *model) == 1
        _is_one_clear_error(capsys.readouterr().err, f"already (pid {os.getpid()})")
        port = str(stack.record.ports["valkey"])
        assert _run("up", "--folder", str(tmp_path / "second"), "--port", port, *model) == 1
        _is_one_clear_error(capsys.readouterr().err, f"port {port}", "Name another port")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_stops_cleanly_while_it_starts(tmp_path: Path, number: signal.Signals) -> None:
    model = str(tiny_llava(tmp_path / "model"))
    arguments = [*_COMMAND, "up", "--folder", str(tmp_path / "stack"), "--model-path", model]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        _until_found(tmp_path / "stack")
        below = _children_of(process.pid)
        process.send_signal(number)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert told.endswith("stopped\n")
    _, alive = psutil.wait_procs(below, timeout=10)
    assert below
    assert not alive


def _children_of(pid: int) -> list[psutil.Process]:
    """As soon as there are any: the folder's record is written before the first is started."""
    deadline = time.monotonic() + 60
    while not (found := psutil.Process(pid).children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def _until_found(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            find_running(folder)
            return
        except NotFound:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--dataset", ".", "--concepts", "none.json"), "none.json cannot be read"),
        (("datasets", "add", ".", "--concepts", "none.json"), "none.json cannot be read"),
        (("up", "--import-root", "none"), "there is no folder none"),
    ],
)
def test_files_that_are_not_there_are_told_before_anything_starts(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*arguments) == 1
    _is_one_clear_error(capsys.readouterr().err, words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("jobs", "adapter", "job_x", "full"), "full is there already and no empty folder"),
        (("report", "job_x", "--out", "page.pdf"), "page.pdf: reports are not written as .pdf"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused_before_the_api_is_asked(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    assert _run(*arguments) == 1
    _is_one_clear_error(capsys.readouterr().err, words)
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine.txt"]
