"""A supervised child process: a log file of its own, restarted when it dies, gone when the supervisor is.

Knows how to keep a program running, nothing of which program it is.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import SystemFault

_GUARD = Path(__file__).with_name("guard.py")
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_GOOD_RUN_S = 30.0
_POLL_S = 0.03
_TAIL_LINES = 6
# Words in a log, and what to do about them.
_REMEDIES = {
    "no space left": "Free space on that disk, then start again.",
    "free disk space": "Free space on that disk, then start again.",
    "disk quota exceeded": "Free space on that disk, then start again.",
    "unshare": "This machine lets root make no user namespace (containers often forbid it): run as an ordinary user.",
}


@dataclass(frozen=True)
class Program:
    """What to run. Secrets belong into `env`: a command line can be read by every user of the machine.

    `patience_s` is how long it may take to end when asked: a trainer may need 25 s for its last checkpoint, and some
    more to store it and hand its step back.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stop_signal: signal.Signals = signal.SIGTERM
    patience_s: float = 40.0


@dataclass(frozen=True)
class _Launch:
    """One life of the program, below its guard. `life` is the pipe's end that keeps it alive; pid 0: it never began."""

    guard: "subprocess.Popen[bytes]"
    pid: int
    life: int
    log_start: int
    began: float
    gone: threading.Event = field(default_factory=threading.Event)


class Process:
    """Use `start` and `stop`. With `supervised` set to False a death is not followed by a restart."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.supervised = True
        self.exits = 0
        self._launch: _Launch | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int:
        """The program's own pid (not its guard's). Raises SystemFault when it does not run."""
        launch = self._launch
        if launch is None or not launch.pid or launch.gone.is_set():
            raise SystemFault(f"{self.name} does not run", remedy=f"See {self.program.log}.")
        return launch.pid

    @property
    def is_running(self) -> bool:
        return self._launch is not None and not self._launch.gone.is_set()

    def start(self) -> None:
        """Start it, and keep it running. Nothing happens when it runs already."""
        if self.is_running:
            return
        # A watcher of an earlier life may still be waiting to begin the next one.
        self._stopping.set()
        with self._lock:
            self._stopping = threading.Event()
            self.exits = 0
            launch = self._begin()
        threading.Thread(target=self._watch, args=(launch, self._stopping), daemon=True, name=self.name).start()

    def stop(self) -> None:
        """Ask it to end; after the program's patience kill it and everything below it."""
        self._stopping.set()
        with self._lock:
            launch = self._launch
        if launch is None or launch.gone.is_set():
            return
        launch.guard.terminate()
        if not launch.gone.wait(self.program.patience_s):
            _close(launch.life)
            launch.gone.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def run(self) -> None:
        """Once, to its end. Raises SystemFault with the log's end when it fails."""
        self.supervised = False
        try:
            self.start()
            launch = self._launch
            assert launch is not None
            if launch.guard.wait() != 0:
                raise self._failure("failed")
        finally:
            self.stop()

    def kill(self) -> None:
        """SIGKILL to the program, as a crash would; returns when it is gone. A supervised one is then started again."""
        launch = self._launch
        if launch is not None and launch.pid and not launch.gone.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(launch.pid, signal.SIGKILL)
            launch.gone.wait()

    def last_words(self) -> str:
        """The last lines that its latest life wrote to its log."""
        launch = self._launch
        if launch is None:
            return ""
        with self.program.log.open("rb") as log:
            log.seek(launch.log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(line for line in lines[-_TAIL_LINES:] if line.strip())

    def await_ready(self, is_ready: Callable[[], bool], *, within_s: float, exits_allowed: int = 2) -> None:
        """Poll until `is_ready`. Raises SystemFault with the log's end when it keeps dying or takes too long."""
        deadline = time.monotonic() + within_s
        while not (self.is_running and is_ready()):
            if self.exits > exits_allowed or (self.exits and not self.supervised):
                raise self._failure("ended while it was starting")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready within {within_s:.0f} s")
            time.sleep(_POLL_S)

    def _failure(self, what: str) -> SystemFault:
        words = self.last_words() or "(it wrote nothing)"
        known = (remedy for sign, remedy in _REMEDIES.items() if sign in words.lower())
        remedy = next(known, f"Mend what it says; the whole log is {self.program.log}.")
        return SystemFault(f"{self.name} {what}. Its last words:\n{words}", remedy=remedy, code="stack_failed")

    def _begin(self) -> _Launch:
        program = self.program
        life_read, life_write = os.pipe()
        report_read, report_write = os.pipe()
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            log_start = log.tell()
            fds, stop = (life_read, report_write), str(int(program.stop_signal))
            guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *map(str, fds), stop, *program.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(program.env) or None,
                pass_fds=fds,
                start_new_session=True,
            )
        _close(life_read)
        _close(report_write)
        with os.fdopen(report_read, "rb") as report:
            pid = int(report.readline() or 0)
        self._launch = _Launch(guard, pid, life_write, log_start, time.monotonic())
        return self._launch

    def _watch(self, launch: _Launch, stopping: threading.Event) -> None:
        """Reap every life, and begin the next one unless the program shall stop."""
        pause_s = _FIRST_PAUSE_S
        while True:
            launch.guard.wait()
            _end_group(launch)
            _close(launch.life)
            self.exits += 1
            launch.gone.set()
            if time.monotonic() - launch.began > _GOOD_RUN_S:
                pause_s = _FIRST_PAUSE_S
            if not self.supervised or stopping.wait(pause_s):
                return
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            with self._lock:
                if stopping.is_set():
                    return
                launch = self._begin()


def _end_group(launch: _Launch) -> None:
    """What the guard leads goes with it, even when the guard itself was killed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(launch.guard.pid, signal.SIGKILL)


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)
