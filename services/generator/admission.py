"""Which replicas were seen to serve what a step asks for: no other is asked. Knows no adapter and no proof of it."""

from collections.abc import Awaitable, Callable

import aiohttp

from services.generator.one_at_a_time import OneAtATime

# Of the replica at an address, asked with this session. Raises patience.Passing where it gave no answer.
Proof = Callable[[aiohttp.ClientSession, str], Awaitable[None]]


class Admission:
    """Without a proof every replica is admitted. Belongs to one event loop."""

    def __init__(self, proof: Proof | None, http: aiohttp.ClientSession) -> None:
        self._proof = proof
        self._http = http
        self._admitted: set[str] = set()
        self._proving = OneAtATime()

    async def of(self, url: str) -> None:
        """Return when the replica is proven. Raises what the proof raises."""
        if self._proof is not None and url not in self._admitted:
            await self._proving.call(url, lambda: self._admit(url))

    def forget(self, url: str) -> None:
        """It gave no answer: what answers there next may be another engine."""
        self._admitted.discard(url)

    async def _admit(self, url: str) -> None:
        assert self._proof is not None
        await self._proof(self._http, url)
        self._admitted.add(url)
