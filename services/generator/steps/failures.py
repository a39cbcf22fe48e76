"""Counts an attempt's requests that failed for good, and ends it when they are too many. Knows no engine."""

from shared.errors import InvalidInput, RequestsFailed, SelfSynthError

_SHOWN = 3


class Failures:
    """`share` of an attempt's requests may fail; it works on `total` examples. How many requests these will take is
    reckoned from those of the examples begun so far."""

    def __init__(self, share: float, total: int) -> None:
        self._share = share
        self._total = total
        self._begun = 0
        self._asked = 0
        self._first: list[SelfSynthError] = []
        self.count = 0

    def begin_example(self) -> None:
        self._begun += 1

    def begin_request(self) -> None:
        self._asked += 1

    def add(self, error: SelfSynthError) -> None:
        """Raises what `settle` raises, as soon as it is certain to be too much."""
        self.count += 1
        if len(self._first) < _SHOWN and error.message not in {each.message for each in self._first}:
            self._first.append(error)
        self._judge(self._asked * self._total / self._begun)

    def settle(self) -> None:
        """Raises RequestsFailed, or InvalidInput where the first of them were refused, when more failed than may."""
        self._judge(self._asked)

    def _judge(self, requests: float) -> None:
        if self.count > self._share * requests:
            raise self._error()

    def _error(self) -> SelfSynthError:
        reasons = "; ".join(error.message for error in self._first)
        message = f"{self.count} of {self._asked} requests failed, and at most {self._share:.0%} may: {reasons}"
        if all(isinstance(error, InvalidInput) for error in self._first):
            return InvalidInput(message, remedy=self._first[0].remedy, code=self._first[0].code)
        return RequestsFailed(
            message, remedy="Mend what the reasons name; settings.failed_share is how many may fail in a step."
        )
