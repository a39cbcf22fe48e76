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
_GRACE_S = 3.0


class Lease:
    """Use as a context manager around the step's work.

    `renew` is one heartbeat (raises StepStopped when refused). When the lease is lost, `check` raises StepStopped; a
    step that does not come to a `check` within a short grace is ended by `kill`.
    """

    def __init__(self, renew: Callable[[], None], lease_s: float, kill: Callable[[], None]) -> None:
        self._renew = renew
        self._lease_s = lease_s
        self._kill = kill
        self._done = threading.Event()
        self._lost = ""
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def check(self) -> None:
        if self._lost:
            raise StepStopped(self._lost)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        renewed = time.monotonic()
        while not self._done.wait(min(_MAX_BEAT_S, self._lease_s / 3)):
            try:
                self._renew()
                renewed = time.monotonic()
            except StepStopped as stopped:
                return self._end(str(stopped))
            except httpx.HTTPError as error:
                log.warning("heartbeat failed", error=str(error))
            if time.monotonic() - renewed > self._lease_s:
                return self._end(f"the lease could not be renewed for {self._lease_s} s")
        return None

    def _end(self, why: str) -> None:
        log.warning("attempt stopped", why=why)
        self._lost = why or "stopped"
        if not self._done.wait(_GRACE_S):
            self._kill()
