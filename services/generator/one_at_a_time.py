"""One call at a time for each key. Knows nothing of what is called."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class OneAtATime:
    """Who calls meanwhile waits for the same outcome. Belongs to one event loop."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[None]] = {}

    async def call(self, key: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Raises what `work` raises. A caller that is cancelled leaves it to the others."""
        running = self._running.get(key)
        if running is None or running.done():
            running = self._running[key] = asyncio.create_task(work())
        await asyncio.shield(running)
