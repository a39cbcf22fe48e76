"""What becomes of a step's requests to an engine: told as figures and as spans, and kept as the step's pace. Knows no
answer's purpose."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from services.generator.patience import Full, Lost, Passing
from services.generator.wire import Usage
from shared.errors import SelfSynthError
from shared.observing import tally, tracing
from shared.observing.figures import REQUEST_SECONDS, REQUESTS, TOKENS

# A step may ask a million times, and nobody could open such a trace.
_TRACED_FIRST, _TRACED_ONE_IN = 100, 1000
_RECENT_S = 30.0


class Observed:
    """The requests of one attempt at `step`. Belongs to one event loop, but for `tokens_per_s`."""

    def __init__(self, step: str = "") -> None:
        self._step = step
        self._asked = 0
        self._began = time.monotonic()
        self._answers: deque[tuple[float, int]] = deque()

    @contextmanager
    def request(self, url: str, model: str) -> Iterator[dict[str, str]]:
        """Around one try. Gives the headers that tie the engine's own spans to this one's."""
        self._asked += 1
        try:
            if self._asked <= _TRACED_FIRST or self._asked % _TRACED_ONE_IN == 0:
                about: dict[str, str | int] = {"server.address": url, "gen_ai.request.model": model}
                with tracing.span("engine request", kind="client", attributes=about):
                    yield tracing.headers()
            else:
                yield tracing.headers(is_sampled=False)
        except (Passing, SelfSynthError) as error:
            tally.tell(REQUESTS, step=self._step, outcome=_outcome(error))
            raise

    def answered(self, seconds: float, usage: Usage) -> None:
        tally.tell(REQUESTS, step=self._step, outcome="answered")
        tally.tell(REQUEST_SECONDS, seconds, step=self._step)
        tally.tell(TOKENS, usage.prompt_tokens, step=self._step, kind="prompt")
        tally.tell(TOKENS, usage.completion_tokens, step=self._step, kind="completion")
        now = time.monotonic()
        self._answers.append((now, usage.completion_tokens))
        while self._answers[0][0] < now - _RECENT_S:
            self._answers.popleft()

    @property
    def tokens_per_s(self) -> float:
        """Generated ones, as of late."""
        now = time.monotonic()
        recent = sum(tokens for at, tokens in list(self._answers) if at >= now - _RECENT_S)
        return recent / max(min(now - self._began, _RECENT_S), 1e-3)


def _outcome(error: Exception) -> str:
    match error:
        case Full():
            return "full"
        case Lost():
            return "lost"
        case Passing():
            return "failed"
    return "refused"
