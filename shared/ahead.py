"""Does slow things ahead of time, in threads: so that who reads one object after another waits for the store once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(do: Callable[[T], R], items: Iterable[T], at_once: int) -> Iterator[R]:
    """What `do` gives for each item, in the items' order; up to `at_once` are begun before they are asked for.

    Raises what `do` raises when it is that item's turn. Where the reader stops early, what was begun ends and no more
    begins.
    """
    with ThreadPoolExecutor(at_once) as pool:
        begun: deque[Future[R]] = deque()
        try:
            for item in items:
                begun.append(pool.submit(do, item))
                if len(begun) == at_once:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
