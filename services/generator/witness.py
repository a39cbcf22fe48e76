"""Finds out whether an engine answers anybody, with the smallest request that there is. Judges nothing.

The last requests of a step have no others beside them by whose answers one could see that the engine is there. And
/health may say so of an engine that computes nothing.
"""

import aiohttp

from services.generator.one_at_a_time import OneAtATime
from services.generator.patience import Answers

COMPLETIONS = "/v1/chat/completions"
_TIMEOUT_S = 10.0


class Witnesses:
    """One at a time for each address: who asks meanwhile waits for the same answer."""

    def __init__(self, http: aiohttp.ClientSession, answers: Answers) -> None:
        self._http = http
        self._answers = answers
        self._asking = OneAtATime()

    async def ask(self, url: str, model: str) -> None:
        """An answer counts among the `answers`; a refusal is one."""
        await self._asking.call(url, lambda: self._ask(url, model))

    async def _ask(self, url: str, model: str) -> None:
        whole = self._http.timeout.total or _TIMEOUT_S
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1, "temperature": 0}
        timeout = aiohttp.ClientTimeout(total=min(whole, _TIMEOUT_S))
        try:
            async with self._http.post(url + COMPLETIONS, json=body, timeout=timeout) as response:
                await response.read()
        except (TimeoutError, aiohttp.ClientError):
            return
        if response.status < 500 and response.status != 429:
            self._answers.came()
