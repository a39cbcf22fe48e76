"""`selfsynth datasets inspect` as a user types it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from selfsynth.cli import main
from tests.services.api.pictures import LABELS, class_folders

Capture = pytest.CaptureFixture[str]


def run(*arguments: str) -> int:
    """The exit code. Narrow, as a terminal is."""
    with pytest.raises(SystemExit) as ended:
        main(("datasets", "inspect", "--processes", "1", *arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def birds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    return class_folders(tmp_path / "birds", per_class=10)


def test_a_good_folder_is_usable_and_the_next_command_is_told(birds: Path, capsys: Capture) -> None:
    assert run(str(birds)) == 0
    told = capsys.readouterr()
    assert "class_folders" in told.out
    assert f"{LABELS[0]}      7           1     2      10" in told.out
    assert told.out.splitlines()[-1].endswith(f"selfsynth datasets add {birds}")
    assert told.err == ""


def test_a_folder_with_faults_exits_with_one_and_says_how_to_go_on(birds: Path, capsys: Capture) -> None:
    for number in range(5):
        (birds / LABELS[0] / f"{number}.png").write_bytes(b"")
    assert run(str(birds)) == 1
    told = capsys.readouterr().out
    assert "Empty files: 5" in told
    assert "and 2 more" in told
    assert told.splitlines()[-1].startswith("not usable: 5 errors.")
    assert "--policy skip" in told.splitlines()[-1]
    assert run(str(birds), "--policy", "skip") == 0
    assert "usable: 15 images (5 left out)" in capsys.readouterr().out


def test_json_has_the_agreed_keys_and_nothing_else_is_printed(birds: Path, capsys: Capture) -> None:
    assert run(str(birds), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {"layout", "classes", "splits", "errors", "warnings"} <= set(told)
    assert told["splits"] == {"train": 14, "validation": 2, "test": 4}
    assert told["warnings"][0].keys() == {"code", "message", "file", "severity"}


def test_many_classes_are_shown_by_their_largest_and_smallest(tmp_path: Path, capsys: Capture) -> None:
    for number in range(60):
        (tmp_path / f"class {number}").mkdir()
        for image in range(1 + (number == 30)):
            source = class_folders(tmp_path.parent / "source", per_class=1) / LABELS[0] / "0.png"
            (tmp_path / f"class {number}" / f"{image}.png").write_bytes(source.read_bytes())
    run(str(tmp_path))
    told = capsys.readouterr().out
    assert "20 more classes" in told
    assert "60 classes" in told


def test_the_sheet_is_written(birds: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run(str(birds), "--sheet", str(tmp_path / "look.jpg")) == 0
    assert (tmp_path / "look.jpg").read_bytes().startswith(b"\xff\xd8")
    assert f"sample sheet: {tmp_path / 'look.jpg'}" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["birds", "--layout", "none"], ["birds", "--option", "x"], ["birds", "--sheet", "nowhere/x.jpg"]],
)
def test_what_cannot_be_inspected_is_one_clear_error(
    birds: Path, arguments: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(birds.parent)
    assert run(*arguments) == 1
    told = capsys.readouterr()
    assert (told.err[:7], told.out) == ("error: ", "")


def test_ctrl_c_leaves_no_process_behind(birds: Path) -> None:
    class_folders(birds, per_class=300)
    command = subprocess.Popen([sys.executable, "-m", "selfsynth", "datasets", "inspect", str(birds)])
    below: list[psutil.Process] = []
    while len(below) < 2 and command.poll() is None:
        below = psutil.Process(command.pid).children()
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    assert command.wait(30) != 0
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
