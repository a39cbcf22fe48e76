"""Waiting for a step to be in the middle of its work, by what it has left in the store's folder."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

POLL_S = 0.002
SLICE_S = 0.02
PATIENCE_S = 180


def until(what: str, is_true: Callable[[], bool], poll_s: float = POLL_S) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_S} s for {what}")
        time.sleep(poll_s)


def parts_of(step_folder: Path) -> dict[str, bytes]:
    """The step's whole part files by path."""
    return {str(path): path.read_bytes() for path in sorted(step_folder.glob("**/p*.parquet"))}


def has_ended(step_folder: Path) -> bool:
    return any(step_folder.glob("**/manifest-*.json"))


def freeze_in_the_middle(pid: int, step_folder: Path, seen: int = 0) -> list[psutil.Process]:
    """Let a worker run in short slices until it has left a part more than the `seen` ones, so that however busy the
    machine is it is caught before its last one. Returns the worker's frozen family, itself first."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        family = freeze(pid)
        if len(list(step_folder.glob("**/p*.parquet"))) > seen:
            return family
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_S} s for a part in {step_folder}")
        time.sleep(SLICE_S)


def freeze(pid: int) -> list[psutil.Process]:
    """Stop a process and all below it where they stand, so that nothing moves between looking and killing."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    return family
