"""How many requests are open at one engine: fewer when it says that it is full, more again with every answer.

Additive increase, multiplicative decrease, as in TCP. Knows no HTTP.
"""

import asyncio
from collections import deque


class Window:
    """Starts at `most`. Whoever waits comes in its order. Belongs to one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._width = float(most)
        self._open = 0
        self._shrunk = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def width(self) -> int:
        return int(self._width)

    async def enter(self) -> int:
        """Wait for room. Returns what `full` wants to know: how often the window had shrunk by then."""
        if self._waiting or self._open >= self.width:
            await self._wait()
        else:
            self._open += 1
        return self._shrunk

    def leave(self) -> None:
        self._open -= 1
        self._let_in()

    def answered(self) -> None:
        """One more for as many answers as are open now."""
        self._width = min(self._most, self._width + 1 / self._width)
        self._let_in()

    def full(self, entered: int) -> None:
        """Half as many. Requests that were sent before the last shrinking tell nothing new."""
        if entered == self._shrunk:
            self._shrunk += 1
            self._width = max(1.0, self._width / 2)

    async def _wait(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def _let_in(self) -> None:
        while self._waiting and self._open < self.width:
            place = self._waiting.popleft()
            if not place.done():
                self._open += 1
                place.set_result(None)
