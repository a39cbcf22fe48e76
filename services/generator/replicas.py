"""Which of several engines is asked about an image: always the same one, so that its caches hit, while it is up.

Rendezvous hashing: every replica has its own place in an image's order, so that one that goes or comes moves only the
images that it held or takes. Knows no requests.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence

from services.generator.window import Window
from shared.engine_addresses import DNS, addresses, looked_up

Resolve = Callable[[str], Awaitable[Sequence[str]]]
_FAULTS_TO_DOWN = 3
_FIRST_REST_S, _LONGEST_REST_S = 1.0, 30.0


class Replica:
    """One engine. `url` is without `/v1`."""

    def __init__(self, url: str, in_flight: int) -> None:
        self.url = url
        self.window = Window(in_flight)
        self._faults = 0
        self._rest_s = 0.0
        self._down_until = 0.0
        self._last_answer = -float("inf")

    @property
    def is_down(self) -> bool:
        return time.monotonic() < self._down_until

    def answered(self) -> None:
        self.heard_of()
        self.window.answered()

    def heard_of(self) -> None:
        """It was heard of, if only to say that it is full."""
        self._faults, self._rest_s, self._down_until = 0, 0.0, 0.0
        self._last_answer = time.monotonic()

    def failed(self, *, lost: bool, sent: float) -> None:
        """Passed over for a while: at once when it gave no answer, nor anybody else one since the request was `sent`;
        else after a few failures in a row."""
        self._faults += 1
        is_silent = lost and self._last_answer < sent
        if (is_silent or self._faults >= _FAULTS_TO_DOWN) and not self.is_down:
            self._rest()

    def tried(self) -> None:
        """One that was down is tried by a single request; the others pass it over until that one has its answer."""
        if self._rest_s and not self.is_down:
            self._rest()

    def _rest(self) -> None:
        self._rest_s = min(max(_FIRST_REST_S, 2 * self._rest_s), _LONGEST_REST_S)
        self._down_until = time.monotonic() + self._rest_s


class Replicas:
    """The engines of a setting. Names behind `dns+` are looked up again and again. Belongs to one event loop."""

    def __init__(self, setting: str, in_flight: int, resolve: Resolve, resolve_every_s: float = 5.0) -> None:
        self._addresses = addresses(setting)
        self._in_flight = in_flight
        self._resolve, self._resolve_every_s = resolve, resolve_every_s
        self._known: dict[str, Replica] = {}
        self._now = tuple(each for each in self._addresses if not each.startswith(DNS))
        self._looked_up = -float("inf")
        self._looking = asyncio.Lock()

    async def current(self) -> list[Replica]:
        await self._look_up()
        return [self._known.setdefault(url, Replica(url, self._in_flight)) for url in self._now]

    async def order(self, key: str) -> list[Replica]:
        """All replicas: those that are up in the key's order, after them those that are down. Empty: none is known."""
        ranked = sorted(await self.current(), key=lambda replica: _weight(key, replica.url), reverse=True)
        return sorted(ranked, key=lambda replica: replica.is_down)

    async def _look_up(self) -> None:
        names = [each for each in self._addresses if each.startswith(DNS)]
        if not names or time.monotonic() < self._looked_up + self._resolve_every_s:
            return
        async with self._looking:
            if time.monotonic() < self._looked_up + self._resolve_every_s:
                return
            found = [url for each in self._addresses for url in await self._found(each)]
            self._looked_up = time.monotonic()
            self._now = tuple(dict.fromkeys(found)) or self._now

    async def _found(self, address: str) -> Sequence[str]:
        return await self._resolve(address.removeprefix(DNS)) if address.startswith(DNS) else [address]


async def resolved(url: str) -> list[str]:
    return await asyncio.to_thread(looked_up, url)


def _weight(key: str, url: str) -> bytes:
    return hashlib.blake2b(f"{key}\0{url}".encode(), digest_size=8).digest()
