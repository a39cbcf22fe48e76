"""Runs a step's examples through the engine, many at once and across part boundaries, and writes whole parts.

Knows examples, parts and the attempt's end; nothing of what is asked or what becomes of an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.generator.chat import Chat, Engine
from services.generator.observed import Observed
from services.generator.steps.failures import Failures
from services.generator.steps.teacher import Sitting
from shared.artefacts import ArtefactWriter
from shared.sharding import cut
from shared.types.records import Example, Record
from shared.worker.context import StepContext
from shared.worker.watching import run_watched

R = TypeVar("R", bound=Record)
RowsOf = Callable[[Sitting], Awaitable[Sequence[R]]]
Settled = Callable[[Sequence[R]], Sequence[R]]


class PartRun(Generic[R]):
    """One attempt at a shard: `rows_of` is called once for every example whose part is not there yet. `per_part` is how
    many examples a part holds, `failed_share` how many of the requests may fail; None: as the job's settings say.
    `settled` has the last word on a part's rows, when they are all there.

    Parts in which a request failed are put last, when it is known that not too many did: a later attempt then finds no
    part that it would have to ask for again.
    """

    def __init__(
        self,
        context: StepContext,
        record: type[R],
        examples: Sequence[Example],
        rows_of: RowsOf[R],
        per_part: int | None = None,
        failed_share: float | None = None,
        settled: Settled[R] = lambda rows: rows,
    ) -> None:
        self._context = context
        self._parts = cut(examples, per_part or context.settings.examples_per_part)
        self.writer = ArtefactWriter(context.store, context.task, record)
        self._rows_of = rows_of
        self._settled = settled
        self._rows: dict[int, dict[int, Sequence[R]]] = {}
        self._total = len(examples)
        self._done = sum(len(part) for number, part in enumerate(self._parts) if number in self.writer.done)
        share = context.settings.failed_share if failed_share is None else failed_share
        self._failures = Failures(share, self._total - self._done)
        self._doubtful: set[int] = set()
        self._observed = Observed(context.task.step.value)

    @property
    def part_count(self) -> int:
        return len(self._parts)

    def complete(self, engine: Engine) -> None:
        """Write every missing part. Raises what `context.check` or the engine raises; whole parts stay."""
        run_watched(lambda: self._complete(engine), self._context.check, self._tell)

    async def _complete(self, engine: Engine) -> None:
        async with Chat(engine, self._observed) as chat:
            await self._work_all(chat)
        self._failures.settle()
        for number in sorted(self._doubtful):
            await self._put(number)

    async def _work_all(self, chat: Chat) -> None:
        """Twice as many examples at once as requests may be open: even if each waits for a single answer, and some
        replica has more of them than another, none idles. Replicas may come meanwhile, so more workers may, too."""
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
            for _ in range(min(2 * await chat.width(), self._total - self._done)):
                workers.create_task(work())

    async def _work_one(self, chat: Chat, number: int, index: int, example: Example) -> None:
        image = await asyncio.to_thread(self._context.store.get, example.image_key)
        self._failures.begin_example()
        sitting = Sitting(chat, self._context.task, example, image, self._failures)
        rows = self._rows.setdefault(number, {})
        rows[index] = await self._rows_of(sitting)
        self._done += 1
        if sitting.has_failures:
            self._doubtful.add(number)
        if len(rows) == len(self._parts[number]) and number not in self._doubtful:
            await self._put(number)

    async def _put(self, number: int) -> None:
        self._context.check()
        rows = self._rows.pop(number)
        settled = self._settled([row for k in sorted(rows) for row in rows[k]])
        await asyncio.to_thread(self.writer.put, number, settled)

    def _tell(self) -> None:
        failed = {"failed_requests": float(self._failures.count)} if self._failures.count else {}
        pace = {"tokens_per_s": round(self._observed.tokens_per_s, 1)}
        self._context.progress(self._done, self._total, pace | failed)
