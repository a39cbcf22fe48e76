"""Runs a command and says what went wrong with it."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

_TAIL_CHARACTERS = 4000


class CommandFailed(Exception):
    """Its message has the command and the end of what it said."""


class TooSlow(CommandFailed):
    """It was ended since its time was over."""


class Budget:
    """Time that several commands share."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left_s(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def within_s(self, seconds: float) -> float:
        """That long, or what is left of it."""
        return min(seconds, self.left_s())


def run(*command: str, within_s: float, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """What it wrote to standard output. Raises TooSlow, or CommandFailed when it fails or cannot be run; then nothing
    that it started runs on."""
    environment = {**os.environ, **(env or {})}
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(f"{' '.join(command)} cannot be run: {error}") from error
    try:
        out, err = process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise TooSlow(f"{' '.join(command)} took longer than {within_s:.0f} s") from error
    if process.returncode:
        said = (out + err)[-_TAIL_CHARACTERS:]
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return out
