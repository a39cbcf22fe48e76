"""The loop itself: what it survives. Its mover and database are fakes: nothing of a job matters here."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from services.api.reconcile.loop import Loop


class Faulty:
    """Mover and database in one: the first call of each fails in a way nobody thought of, the others find one job."""

    def __init__(self) -> None:
        self.reads = self.moves = 0
        self.moved = threading.Event()

    @contextmanager
    def snapshot(self) -> Iterator["Faulty"]:
        self.reads += 1
        if self.reads == 1:
            raise RuntimeError("a fault of the database's driver")
        yield self

    def scalars(self, _: object) -> list[str]:
        return ["job_1"]

    def reconcile(self, job_id: str) -> None:
        self.moves += 1
        if self.moves == 1:
            raise RuntimeError(f"a fault of {job_id}")
        self.moved.set()


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    fake = Faulty()
    loop = Loop(cast(Any, fake), cast(Any, fake), every_s=0.01)
    loop.start()
    yield fake
    loop.stop()


def test_a_fault_that_nobody_thought_of_ends_neither_the_round_nor_the_loop(faulty: Faulty) -> None:
    assert faulty.moved.wait(10)
