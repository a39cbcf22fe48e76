"""The lease: a timer of its own that renews while the step works, and ends the attempt when it cannot.

A worker that could not renew for one lease time must not go on, because the coordinator may soon give the step to
another. Knows nothing of what the step does.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx
import structlog

from shared.errors import StepStopped

log = structlog.get_logger(__name__)

_MAX_BEAT_S = 3.0
_LOOK_S = 0.25
# Below the coordinator's margin: a step that never checks is dead before another worker gets it.
_GRACE_S = 2.0


class Lease:
    """Use as a context manager around the step's work.

    `renew` is one heartbeat (raises StepStopped when refused). When the lease is lost, `check` raises StepStopped; a
    step that does not come to a `check` within a short grace is ended by `kill`. Time is kept apart from the beats: a
    heartbeat that hangs, or fails in a way nobody thought of, delays nothing.
    """

    def __init__(self, renew: Callable[[], None], lease_s: float, kill: Callable[[], None]) -> None:
        self._renew = renew
        self._lease_s = lease_s
        self._kill = kill
        self._done = threading.Event()
        self._lost = ""
        self._renewed = 0.0
        self._threads = [threading.Thread(target=each, name="lease", daemon=True) for each in (self._beat, self._watch)]

    def check(self) -> None:
        if self._lost:
            raise StepStopped(self._lost)

    def __enter__(self) -> Self:
        self._renewed = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _beat(self) -> None:
        while not self._lost and not self._done.wait(min(_MAX_BEAT_S, self._lease_s / 3)):
            asked = time.monotonic()
            try:
                self._renew()
                self._renewed = asked  # not now: the coordinator counts from before its answer
            except StepStopped as stopped:
                self._lost = str(stopped) or "stopped"
            except httpx.HTTPError as error:
                log.warning("heartbeat failed", error=str(error))

    def _watch(self) -> None:
        while not self._lost and not self._done.wait(min(_LOOK_S, self._lease_s / 10)):
            if time.monotonic() - self._renewed > self._lease_s:
                self._lost = f"the lease could not be renewed for {self._lease_s} s"
        if self._lost:
            log.warning("attempt stopped", why=self._lost)
            if not self._done.wait(_GRACE_S):
                self._kill()
