"""Runs asyncio work under an attempt's watch: it ends when `check` says so, and tells how far it is. Knows no step."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn

_CHECK_EVERY_S = 0.5
_TELL_EVERY_S = 1.0


def run_watched(work: Callable[[], Awaitable[None]], check: Callable[[], None], tell: Callable[[], None]) -> None:
    """`tell` blocks and is called in a thread, the last time when the work is done. Raises what `check` or the work
    raises: of several tasks' errors the first, since the others followed from it."""
    asyncio.run(_watched(work, check, tell))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


async def _watched(work: Callable[[], Awaitable[None]], check: Callable[[], None], tell: Callable[[], None]) -> None:
    try:
        async with asyncio.TaskGroup() as watchers:
            watching = [watchers.create_task(_check_often(check)), watchers.create_task(_tell_often(tell))]
            await work()
            for task in watching:
                task.cancel()
    except BaseExceptionGroup as group:
        _raise_first(group)
    await asyncio.to_thread(tell)


async def _check_often(check: Callable[[], None]) -> NoReturn:
    while True:
        check()
        await asyncio.sleep(_CHECK_EVERY_S)


async def _tell_often(tell: Callable[[], None]) -> NoReturn:
    while True:
        begun = time.monotonic()
        await asyncio.to_thread(tell)
        await asyncio.sleep(max(0.0, begun + _TELL_EVERY_S - time.monotonic()))


def _raise_first(group: BaseExceptionGroup[BaseException]) -> NoReturn:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    raise first
