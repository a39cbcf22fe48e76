"""A subprocess of heavy work, as its parent sees it: started, looked at, ended with all it started. Knows no work."""

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_GONE_S = 5.0


class ChildProcess:
    """Started in this process's own group, so that it ends with a worker that is ended by its lease. All that it says
    goes to the file `output`."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], output: Path, folder: Path | None = None
    ) -> None:
        self._output = output
        with output.open("wb") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=dict(env), cwd=folder
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status (negative: a signal); None while it runs."""
        return self._process.returncode

    @property
    def said(self) -> str:
        return self._output.read_text(errors="replace")

    def running(self, wait_s: float) -> bool:
        """Wait up to `wait_s` for the end; whether it still runs then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)
        return self._process.returncode is None

    def ask_to_stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """With all that it started. Returns when they are gone, and what they held of a device with them."""
        below = self.below()
        self._process.kill()
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(below, _GONE_S)

    def below(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []


def how_it_ended(status: int | None) -> str:
    """An exit status in words."""
    if status is not None and status < 0:
        hint = " (the machine may be out of memory)" if status == -signal.SIGKILL else ""
        return f"signal {signal.Signals(-status).name}{hint}"
    return f"exit status {status}"
