"""Restarts an engine that hangs: it runs, but is not alive by its progress (services.generator.liveness).

One that is still starting tells no figures yet, and is left alone until its first.
"""

import threading
import time

import httpx

from selfsynth.stack.processes import Process
from services.generator.liveness import Progress, read
from shared.errors import SystemFault

_EVERY_S = 5.0
_ANSWER_S = 10.0


class Pulse:
    """Looks after the engine `process` at `url` from `start` to `stop`. `restarts` counts what it did."""

    def __init__(self, process: Process, url: str, deadline_s: float) -> None:
        self._process, self._url, self._deadline_s = process, url, deadline_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="pulse")
        self.restarts = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        watched: tuple[int, Progress] | None = None
        every_s = min(_EVERY_S, self._deadline_s / 4)
        with httpx.Client(timeout=min(_ANSWER_S, self._deadline_s)) as http:
            while not self._stopping.wait(every_s):
                try:
                    pid = self._process.pid
                except SystemFault:  # between two lives
                    continue
                watched = self._look(http, pid, watched)

    def _look(self, http: httpx.Client, pid: int, watched: tuple[int, Progress] | None) -> tuple[int, Progress] | None:
        """What is watched from now on: this life, or none yet that has told its figures."""
        reading = read(http, self._url)
        if watched is None or watched[0] != pid:
            return (pid, Progress(time.monotonic(), self._deadline_s)) if reading else None
        progress = watched[1]
        progress.see(reading, time.monotonic())
        if progress.fault is None:
            return watched
        with self._process.program.log.open("a") as log:
            log.write(f"restarted by the stack: the {self._process.name} {progress.fault}\n")
        self.restarts += 1
        self._process.kill()
        return None
