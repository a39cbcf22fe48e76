"""Runs a step's examples through the engine, many at once and across part boundaries, and writes whole parts.

Knows examples, parts and the attempt's end; nothing of what is asked or what becomes of an answer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NoReturn, TypeVar

from services.generator.chat import Chat, Engine
from services.generator.steps.teacher import Sitting
from shared.artefacts import ArtefactWriter
from shared.sharding import cut
from shared.types.records import Example, Record
from shared.worker.context import StepContext

R = TypeVar("R", bound=Record)
RowsOf = Callable[[Sitting], Awaitable[Sequence[R]]]
_CHECK_EVERY_S = 0.5
_PROGRESS_EVERY_S = 1.0


class PartRun(Generic[R]):
    """One attempt at a shard: `rows_of` is called once for every example whose part is not there yet."""

    def __init__(self, context: StepContext, record: type[R], examples: Sequence[Example], rows_of: RowsOf[R]) -> None:
        self._context = context
        self._parts = cut(examples, context.settings.examples_per_part)
        self.writer = ArtefactWriter(context.store, context.task, record)
        self._rows_of = rows_of
        self._rows: dict[int, dict[int, Sequence[R]]] = {}
        self._total = len(examples)
        self._done = sum(len(part) for number, part in enumerate(self._parts) if number in self.writer.done)

    @property
    def part_count(self) -> int:
        return len(self._parts)

    def complete(self, engine: Engine) -> None:
        """Write every missing part. Raises what `context.check` or the engine raises; whole parts stay."""
        asyncio.run(self._complete(engine))

    async def _complete(self, engine: Engine) -> None:
        try:
            async with asyncio.TaskGroup() as watchers, Chat(engine) as chat:
                watching = [watchers.create_task(self._check_often()), watchers.create_task(self._tell_often())]
                await self._work_all(chat, engine.in_flight)
                for task in watching:
                    task.cancel()
        except BaseExceptionGroup as group:
            _raise_first(group)
        await asyncio.to_thread(self._tell)

    async def _work_all(self, chat: Chat, width: int) -> None:
        """As many examples at once as requests may be open: even if each waits for a single answer, none idles."""
        todo = iter(
            (number, index, example)
            for number, part in enumerate(self._parts)
            if number not in self.writer.done
            for index, example in enumerate(part)
        )

        async def work() -> None:
            for number, index, example in todo:
                await self._work_one(chat, number, index, example)

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(width, self._total - self._done)):
                workers.create_task(work())

    async def _work_one(self, chat: Chat, number: int, index: int, example: Example) -> None:
        image = await asyncio.to_thread(self._context.store.get, example.image_key)
        rows = self._rows.setdefault(number, {})
        rows[index] = await self._rows_of(Sitting(chat, self._context.task, example, image))
        self._done += 1
        if len(rows) == len(self._parts[number]):
            self._context.check()
            whole = [row for k in sorted(rows) for row in rows[k]]
            await asyncio.to_thread(self.writer.put, number, whole)
            del self._rows[number]

    async def _check_often(self) -> NoReturn:
        while True:
            self._context.check()
            await asyncio.sleep(_CHECK_EVERY_S)

    async def _tell_often(self) -> NoReturn:
        while True:
            begun = time.monotonic()
            await asyncio.to_thread(self._tell)
            await asyncio.sleep(max(0.0, begun + _PROGRESS_EVERY_S - time.monotonic()))

    def _tell(self) -> None:
        self._context.progress(self._done, self._total, {})


def _raise_first(group: BaseExceptionGroup[BaseException]) -> NoReturn:
    """The first error of the tasks is the attempt's; the others followed from it."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    raise first
