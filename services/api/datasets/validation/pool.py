"""Runs a function over many items in worker processes, so that no item can end the run.

A bounded number of items is under way; results come in the order of the items. A process that dies over an item, or
that takes too long, costs that item alone: another process takes its place. No process outlives the one that asked, and
none inherits its threads or connections (`spawn`). Knows nothing of images.
"""

import contextlib
import multiprocessing
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from shared.worker.parent_death import die_with_parent

T = TypeVar("T")
R = TypeVar("R")

# One in work and one waiting, so that no process need wait for its next item.
_PER_PROCESS = 2
# Results that wait for an earlier item's: beyond it nothing new is begun.
_AHEAD = 64
# The first death may be another's fault (the kernel ends the largest process when memory runs out).
_TRIES = 2


def run_each(
    function: Callable[[T], R],
    items: Iterable[T],
    lost: Callable[[T, str], R],
    *,
    processes: int,
    timeout_s: float = 120,
) -> Generator[R, None, None]:
    """`function(item)` of each item, in order. `lost(item, why)` stands in for one that killed its process twice or
    took longer than `timeout_s`. `function` and the items must be picklable and small; an exception of `function` is
    raised here. Leaving the iterator, also by an exception, ends the processes."""
    pool = _Pool(function, lost, processes, timeout_s)
    try:
        yield from pool.run(enumerate(items))
    finally:
        pool.close()


class _Worker(Generic[T]):
    """A process and the numbered items it was sent and has not answered; it works on the first of them."""

    def __init__(self, function: Callable[[T], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self.process.start()
        theirs.close()
        self.sent: deque[tuple[int, T]] = deque()
        self.ready = False
        self.since = time.monotonic()

    def send(self, number: int, item: T) -> None:
        if not self.sent:
            self.since = time.monotonic()
        self.sent.append((number, item))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # dead: `receive` will tell
            self.pipe.send(item)

    def receive(self) -> Any:
        """What the process says next. Raises EOFError when it is dead."""
        try:
            said = self.pipe.recv()
        except OSError as error:  # it died in the middle of an answer
            raise EOFError from error
        self.since = time.monotonic()
        return said

    def kill(self) -> str:
        """How the process ended."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        code = self.process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"


class _Pool(Generic[T, R]):
    def __init__(
        self, function: Callable[[T], R], lost: Callable[[T, str], R], processes: int, timeout_s: float
    ) -> None:
        self._function, self._lost, self._timeout_s = function, lost, timeout_s
        self._most = max(1, processes)
        self._workers: list[_Worker[T]] = []
        self._again: deque[tuple[int, T]] = deque()
        self._deaths: Counter[int] = Counter()
        self._done: dict[int, R] = {}

    def run(self, items: Iterator[tuple[int, T]]) -> Iterator[R]:
        wanted = 0
        while True:
            self._feed(items)
            if not any(worker.sent for worker in self._workers):
                return
            self._collect()
            while wanted in self._done:
                yield self._done.pop(wanted)
                wanted += 1

    def close(self) -> None:
        for worker in self._workers:
            worker.kill()

    def _feed(self, items: Iterator[tuple[int, T]]) -> None:
        """An item that comes again goes first: all later results wait for it."""
        while (under_way := sum(len(w.sent) for w in self._workers)) < self._most * _PER_PROCESS:
            full = under_way + len(self._done) >= max(_AHEAD, 2 * self._most * _PER_PROCESS)
            entry = self._again.popleft() if self._again else None if full else next(items, None)
            if entry is None:
                return
            if len(self._workers) < self._most:
                self._workers.append(_Worker(self._function))
            min(self._workers, key=lambda worker: len(worker.sent)).send(*entry)

    def _collect(self) -> None:
        """Wait for at least one answer, death or timeout."""
        ends = [worker.since + self._timeout_s for worker in self._workers if worker.sent and worker.ready]
        left_s = max(0.0, min(ends) - time.monotonic()) if ends else None
        heard = wait([worker.pipe for worker in self._workers], left_s)
        for worker in list(self._workers):
            if worker.pipe in heard:
                self._hear(worker)
            elif worker.sent and worker.ready and time.monotonic() > worker.since + self._timeout_s:
                self._bury(worker, f"it took longer than {self._timeout_s:g} s", tries=1)

    def _hear(self, worker: _Worker[T]) -> None:
        try:
            said = worker.receive()
        except EOFError:
            self._bury(worker, "the process died over it", tries=_TRIES)
            return
        if not worker.ready:
            worker.ready = True
        elif isinstance(said, BaseException):
            raise said
        else:
            number, _ = worker.sent.popleft()
            self._done[number] = said

    def _bury(self, worker: _Worker[T], why: str, tries: int) -> None:
        """Give up the item in work when it has had its tries; what else the process had goes to another one."""
        self._workers.remove(worker)
        how = worker.kill()
        if not worker.ready:
            raise RuntimeError(f"a worker process could not start ({how}); its own message stands above")
        if worker.sent:
            number, item = worker.sent[0]
            self._deaths[number] += 1
            if self._deaths[number] >= tries:
                worker.sent.popleft()
                self._done[number] = self._lost(item, f"{why} ({how})")
        self._again.extendleft(reversed(worker.sent))


def _serve(pipe: Connection, function: Callable[[Any], Any]) -> None:
    """A worker process: answers each item until its owner is gone. Ctrl-C is the owner's to handle."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send("ready")
        while True:
            item = pipe.recv()
            try:
                answer = function(item)
            except Exception as error:  # a process edge: raised anew in the owner
                answer = error
            pipe.send(answer)
