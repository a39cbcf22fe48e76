"""Keeps the engine asleep or awake, as the rows say. Writes nothing, and remembers nothing that matters.

Before a message goes out `settle` is called; `look` finds, a round later at the latest, that training is over however
it ended, and after a restart whatever the last coordinator left.
"""

import time
from collections.abc import Callable

import structlog

from services.api.database.connection import Database
from services.api.sleeping.engines import Engines
from services.api.sleeping.rule import is_to_sleep
from services.api.sleeping.uses import uses
from shared.errors import SelfSynthError

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 15.0


class Keeper:
    def __init__(self, database: Database, engines: Engines) -> None:
        self._database = database
        self._engines = engines
        self._is_asleep: bool | None = None  # as last brought about here; None: not known
        self._failure: SelfSynthError | None = None
        self._pause_s = 0.0
        self._rests_until = 0.0

    def require_sleep(self) -> None:
        """Raises CannotSleep or EngineUnavailable when the engine could not be put to sleep."""
        self._ask(self._engines.require_sleep)

    def settle(self) -> None:
        """Bring the engine into the state that the rows want.

        Raises EngineUnavailable or CannotSleep when it cannot be put to sleep, or is known to sleep and cannot be
        woken. One of which nothing is known is taken for awake when it does not answer: it may only be starting, and a
        worker that asks it is patient.
        """
        wanted = self._wanted()
        self._put(wanted)
        # Another coordinator may have changed the rows meanwhile: whoever changes them last also settles last.
        while wanted != (wanted := self._wanted()):
            self._put(wanted)

    def look(self) -> None:
        """Once a round. Asks the engine only where it may not be as it should."""
        if self._is_resting or self._is_asleep is False:
            return
        if self._is_asleep is None or not self._wanted():
            self.settle()

    def _wanted(self) -> bool:
        with self._database.snapshot() as session:
            return is_to_sleep(uses(session))

    def _put(self, asleep: bool) -> None:
        was, self._is_asleep = self._is_asleep, None
        try:
            self._ask(lambda: self._engines.put(asleep), at_once=not (asleep or was))
        except SelfSynthError as failure:
            if asleep:
                raise
            log.info("cannot see to it that the engine is awake", error=failure.message)
            if was:
                self._is_asleep = True
                raise
            return
        self._is_asleep = asleep
        if asleep or was:
            log.info("the engine sleeps" if asleep else "the engine is awake")

    @property
    def _is_resting(self) -> bool:
        return time.monotonic() < self._rests_until

    def _ask(self, ask: Callable[[], None], *, at_once: bool = False) -> None:
        """After a failure the engine is asked again after a pause only: all jobs wait while it is asked in vain."""
        if self._failure and self._is_resting and not at_once:
            raise self._failure
        try:
            ask()
        except SelfSynthError as failure:
            self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
            self._failure, self._rests_until = failure, time.monotonic() + self._pause_s
            raise
        self._failure, self._pause_s, self._rests_until = None, 0.0, 0.0
