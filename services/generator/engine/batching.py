"""Gathers requests that come at the same time into batches, for one compute thread. Knows no model and no HTTP."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from services.generator.engine.model import Row
from services.generator.engine.sampling import Drawn
from shared.errors import SystemFault

# A batch waits at most this many windows, however steadily requests come.
_LONGEST_WINDOWS = 10


class Overloaded(SystemFault):
    code = "overloaded"


@dataclass(eq=False)
class Ask:
    """One request's rows for the base (None) or the adapter whose files are in `folder`. Cancelling `answer` before it
    is there withdraws it."""

    adapter: str | None
    folder: Path | None
    rows: list[Row]
    answer: Future[list[Drawn]] = field(default_factory=Future)
    arrived: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """What the rows cost in steps: prompt and longest answer."""
        return len(self.rows[0].prompt.ids) + self.rows[0].sampling.max_tokens


Run = Callable[[str | None, Path | None, Sequence[Row]], list[Drawn]]


class Batcher:
    """`submit` from any thread; `run` is called in one thread, with about `max_rows` rows of one adapter at most."""

    def __init__(self, run: Run, max_rows: int, max_queued: int, window_s: float) -> None:
        self._run, self._max_rows, self._max_queued, self._window_s = run, max_rows, max_queued, window_s
        self._queue: list[Ask] = []
        self._changed = threading.Condition()
        self._closing = False
        self.thread = threading.Thread(target=self._work, name="compute", daemon=True)

    def close(self) -> None:
        """Answer what is queued, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.thread.join()

    def __len__(self) -> int:
        return len(self._queue)

    def submit(self, ask: Ask) -> Future[list[Drawn]]:
        """Raises Overloaded when too many requests wait already."""
        with self._changed:
            if len(self._queue) >= self._max_queued or self._closing:
                raise Overloaded(f"{len(self._queue)} requests wait already", remedy="Send fewer at once, or later.")
            self._queue.append(ask)
            self._changed.notify_all()
        return ask.answer

    def _work(self) -> None:
        while batch := self._next():
            rows = [row for ask in batch for row in ask.rows]
            try:
                drawn = iter(self._run(batch[0].adapter, batch[0].folder, rows))
                answers: list[list[Drawn] | Exception] = [list(islice(drawn, len(ask.rows))) for ask in batch]
            except Exception as error:  # the thread's edge: those who asked are told, and the next batch is served
                answers = [error] * len(batch)
            for ask, answer in zip(batch, answers, strict=True):
                _tell(ask.answer, answer)

    def _next(self) -> list[Ask]:
        """The next batch; empty when closing and nothing is left."""
        with self._changed:
            while not self._ready():
                self._changed.wait(self._window_s / 2 if self._queue else None)
            batch = choose(self._queue, self._max_rows)
            self._queue = [ask for ask in self._queue if ask not in batch]
            return batch

    def _ready(self) -> bool:
        """Closing, full, quiet for a window, or waited long enough. Forgets what was withdrawn."""
        self._queue = [ask for ask in self._queue if not ask.answer.cancelled()]
        if self._closing or sum(len(ask.rows) for ask in self._queue) >= self._max_rows:
            return True
        if not self._queue:
            return False
        now = time.monotonic()
        quiet = now - self._queue[-1].arrived >= self._window_s
        return quiet or now - self._queue[0].arrived >= _LONGEST_WINDOWS * self._window_s


def _tell(asked: Future[list[Drawn]], answer: list[Drawn] | Exception) -> None:
    """Unless it was withdrawn: a future that was cancelled takes no answer."""
    if not asked.set_running_or_notify_cancel():
        return
    if isinstance(answer, Exception):
        asked.set_exception(answer)
    else:
        asked.set_result(answer)


def choose(queue: Sequence[Ask], max_rows: int) -> list[Ask]:
    """The oldest request and, of its adapter, those nearest to it in size, so that padding is small."""
    if not queue:
        return []
    oldest = queue[0]
    batch, rows = [], 0
    for ask in sorted((a for a in queue if a.adapter == oldest.adapter), key=lambda a: abs(a.size - oldest.size)):
        if ask is oldest or rows + len(ask.rows) <= max_rows:
            batch.append(ask)
            rows += len(ask.rows)
    return batch
