"""The engine's sleep: its model leaves the GPU, and requests are refused until it is woken. By vLLM's addresses.

Knows no requests, only that whatever computes does so while `awake` is held.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from fastapi import Depends, FastAPI

from shared.errors import SystemFault, UserFault


class CannotSleep(UserFault):
    code = "engine_cannot_sleep"


class Asleep(SystemFault):
    code = "asleep"


class Sleeps(Protocol):
    @property
    def can_sleep(self) -> bool: ...

    def sleep(self) -> None: ...

    def wake_up(self) -> None: ...


class Sleeper:
    """For any thread. `is_asleep` is known only of a model that can sleep."""

    def __init__(self, model: Sleeps) -> None:
        self._model = model
        self._computing = threading.Lock()
        self.is_asleep = False

    def require_able(self) -> None:
        if not self._model.can_sleep:
            raise CannotSleep(
                "this engine computes on a CPU: there is no GPU memory to give free",
                remedy="Leave the engine awake, or start it where it finds a GPU.",
            )

    def require_awake(self) -> None:
        if self.is_asleep:
            raise Asleep("the engine sleeps: its GPU is lent to a training", remedy="Ask again when it was woken.")

    @contextmanager
    def awake(self) -> Iterator[None]:
        """The model stays where it is. Raises Asleep."""
        with self._computing:
            self.require_awake()
            yield

    def sleep(self) -> None:
        """Return when what was being computed is done and the memory is free. Harmless when repeated."""
        self.require_able()
        with self._computing:
            if not self.is_asleep:
                self.is_asleep = True
                self._model.sleep()

    def wake_up(self) -> None:
        """Raises whatever the device says when there is no room; the engine sleeps on then."""
        self.require_able()
        with self._computing:
            if self.is_asleep:
                self._model.wake_up()
                self.is_asleep = False


def add_routes(app: FastAPI, sleeper: Sleeper, authorised: Callable[..., Awaitable[None]]) -> None:
    guarded = [Depends(authorised)]

    @app.post("/sleep", dependencies=guarded)
    async def sleep() -> dict[str, str]:
        await asyncio.to_thread(sleeper.sleep)
        return {"status": "sleeping"}

    @app.post("/wake_up", dependencies=guarded)
    async def wake_up() -> dict[str, str]:
        await asyncio.to_thread(sleeper.wake_up)
        return {"status": "awake"}

    @app.get("/is_sleeping", dependencies=guarded)
    async def is_sleeping() -> dict[str, bool]:
        sleeper.require_able()
        return {"is_sleeping": sleeper.is_asleep}
