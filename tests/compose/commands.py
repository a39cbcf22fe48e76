"""Runs a command and says what went wrong with it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_TAIL_CHARACTERS = 4000


class CommandFailed(Exception):
    """Its message has the command and the end of what it said."""


def run(
    *command: str, within_s: float, env: Mapping[str, str] | None = None, cwd: Path | None = None, stdin: str = ""
) -> str:
    """What it wrote to standard output. Raises CommandFailed when it fails, is missing, or takes too long."""
    environment = {**os.environ, **(env or {})}
    try:
        ended = subprocess.run(
            command, env=environment, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=within_s, check=True
        )
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr)[-_TAIL_CHARACTERS:]
        raise CommandFailed(f"{' '.join(command)} ended with {error.returncode}: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)} took longer than {within_s:.0f} s") from error
    except OSError as error:
        raise CommandFailed(f"{' '.join(command)} cannot be run: {error}") from error
    return ended.stdout
