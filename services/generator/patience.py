"""When a request that fails is given up, and whose fault that is: the request's own, or the engine's.

An engine that answers others meanwhile is there: what goes on failing is the request. Where nobody is answered, the
engine is away, and only time decides. Knows no HTTP.
"""

import time

from tenacity import RetryCallState


class Passing(Exception):
    """A failure that may pass when the engine is asked again."""


class Lost(Passing):
    """No answer at all."""


class Full(Passing):
    """The engine has no room now. Tells nothing about the request."""


class Answers:
    """When anybody was answered last, on the monotonic clock."""

    def __init__(self) -> None:
        self.last = -float("inf")

    def came(self) -> None:
        self.last = time.monotonic()


class Trial:
    """The tries of one request. Ends after `tries` failures while others were answered, or `patience_s` seconds after
    the first failure or, if that is later, the last answer to anybody."""

    def __init__(self, answers: Answers, tries: int, patience_s: float) -> None:
        self._answers = answers
        self._tries = tries
        self._patience_s = patience_s
        self._since = time.monotonic()
        self._first_failure: float | None = None
        self._own_failures = 0

    def needs_witness(self, failure: Passing) -> bool:
        """Whether nobody was answered since the last failure, so that it is open whose fault this one is."""
        return not isinstance(failure, Full) and self._answers.last < self._since

    def failed(self, failure: Passing) -> None:
        """To be told of every failure."""
        now = time.monotonic()
        self._first_failure = self._first_failure or now
        if not isinstance(failure, Full) and not self.needs_witness(failure):
            self._own_failures += 1
        self._since = now

    def is_over(self, _: RetryCallState) -> bool:
        assert self._first_failure is not None
        waited = time.monotonic() - max(self._first_failure, self._answers.last)
        return self.is_own_fault or waited > self._patience_s

    @property
    def is_own_fault(self) -> bool:
        return self._own_failures >= self._tries
