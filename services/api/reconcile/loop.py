"""Runs `reconcile`: at once for a job that was woken, and for every live job every few seconds. `look` comes before
each such round."""

import queue
import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import select

from services.api.database.connection import Database
from services.api.database.models import Job
from services.api.reconcile.mover import Mover
from shared.errors import SelfSynthError
from shared.types.lifecycle import JobStatus

log = structlog.get_logger(__name__)

_LIVE = [status.value for status in JobStatus if not status.is_terminal]


class Loop:
    """A thread of its own. `wake` never blocks and never fails: what it loses, the next round finds. `last_round` is
    when it last looked at all live jobs (seconds since 1970; 0: never), `faults` how often it could not move one."""

    def __init__(
        self, mover: Mover, database: Database, every_s: float, look: Callable[[], None] = lambda: None
    ) -> None:
        self._mover = mover
        self._database = database
        self._every_s = every_s
        self._look = look
        self._woken: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self.last_round, self.faults = 0.0, 0
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._woken.put("")
        self._thread.join(timeout=10)

    def wake(self, job_id: str) -> None:
        self._woken.put(job_id)

    def _run(self) -> None:
        next_round = 0.0
        while not self._stopped.is_set():
            if time.monotonic() >= next_round:
                self._reconcile_all()
                next_round = time.monotonic() + self._every_s
            try:
                job_id = self._woken.get(timeout=max(0.0, next_round - time.monotonic()))
            except queue.Empty:
                continue
            if job_id:
                self._reconcile(job_id)

    def _reconcile_all(self) -> None:
        try:
            with self._database.snapshot() as session:
                live = list(session.scalars(select(Job.id).where(Job.status.in_(_LIVE)).order_by(Job.id)))
        except SelfSynthError as error:
            log.warning("live jobs cannot be read", error=error.message)
            return
        except Exception:  # the thread's edge: without it no job would ever move again, and nobody would notice
            log.exception("live jobs cannot be read")
            return
        self._safely(self._look)
        for job_id in live:
            self._reconcile(job_id)
        self.last_round = time.time()

    def _reconcile(self, job_id: str) -> None:
        self._safely(lambda: self._mover.reconcile(job_id), job=job_id)

    def _safely(self, do: Callable[[], None], **about: str) -> None:
        try:
            do()
        except SelfSynthError as error:
            self.faults += 1
            log.warning("reconcile put off", error=error.message, **about)
        except Exception:  # the thread's edge: one job's fault must not stop the others
            self.faults += 1
            log.exception("reconcile failed", **about)
