import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.generator.engine.batching import Ask, Batcher, Overloaded, choose
from services.generator.engine.model import Row
from services.generator.engine.prompt import Prompt
from services.generator.engine.sampling import Drawn, Sampling


def an_ask(length: int, n: int = 1, adapter: str | None = None) -> Ask:
    return Ask(adapter, None, [Row(Prompt(tuple(range(length))), Sampling(0, i, 10)) for i in range(n)])


def echo(_adapter: str | None, _folder: Path | None, rows: Sequence[Row]) -> list[Drawn]:
    return [Drawn([len(row.prompt.ids)]) for row in rows]


def test_a_batch_holds_the_oldest_and_those_nearest_to_it_in_length() -> None:
    queue = [an_ask(50), an_ask(400), an_ask(52), an_ask(10), an_ask(49)]
    assert [len(ask.rows[0].prompt.ids) for ask in choose(queue, 3)] == [50, 49, 52]


def test_a_batch_is_of_one_adapter() -> None:
    queue = [an_ask(5, adapter="a"), an_ask(5), an_ask(5, adapter="a")]
    assert choose(queue, 8) == [queue[0], queue[2]]


def test_samples_count_as_rows() -> None:
    queue = [an_ask(5, n=3), an_ask(5, n=3), an_ask(5, n=1)]
    assert choose(queue, 4) == [queue[0], queue[2]]


def test_each_request_gets_its_own_rows_back() -> None:
    batcher = Batcher(echo, max_rows=4, max_queued=100, window_s=0.001)
    answers = [batcher.submit(an_ask(length, n=length % 3 + 1)) for length in range(20)]
    batcher.thread.start()
    for length, answer in enumerate(answers):
        assert [row.tokens for row in answer.result(10)] == [[length]] * (length % 3 + 1)
    batcher.close()


def test_what_is_queued_is_answered_before_closing_and_nothing_is_taken_after() -> None:
    batcher = Batcher(echo, max_rows=1, max_queued=100, window_s=0.001)
    answers = [batcher.submit(an_ask(3)) for _ in range(5)]
    batcher.thread.start()
    batcher.close()
    assert all(answer.done() for answer in answers)
    with pytest.raises(Overloaded):
        batcher.submit(an_ask(3))


def test_a_withdrawn_request_is_not_run_and_a_queue_of_such_is_waited_on() -> None:
    seen: list[int] = []

    def noting(adapter: str | None, folder: Path | None, rows: Sequence[Row]) -> list[Drawn]:
        seen.extend(len(row.prompt.ids) for row in rows)
        return echo(adapter, folder, rows)

    batcher = Batcher(noting, max_rows=1, max_queued=9, window_s=0.001)
    assert all(batcher.submit(an_ask(length)).cancel() for length in (1, 2))
    batcher.thread.start()
    assert batcher.submit(an_ask(3)).result(10)
    batcher.close()
    assert seen == [3]


def test_a_request_withdrawn_while_it_runs_harms_no_other() -> None:
    withdrawn = an_ask(1)

    def withdrawing(adapter: str | None, folder: Path | None, rows: Sequence[Row]) -> list[Drawn]:
        withdrawn.answer.cancel()
        return echo(adapter, folder, rows)

    batcher = Batcher(withdrawing, max_rows=2, max_queued=9, window_s=1)
    batcher.submit(withdrawn)
    beside = batcher.submit(an_ask(2))
    batcher.thread.start()
    assert [row.tokens for row in beside.result(10)] == [[2]]
    assert batcher.submit(an_ask(3)).result(10)
    batcher.close()


def test_a_failed_batch_tells_its_requests_and_the_next_is_served() -> None:
    def fail_on_seven(adapter: str | None, folder: Path | None, rows: Sequence[Row]) -> list[Drawn]:
        if len(rows[0].prompt.ids) == 7:
            raise RuntimeError("seven")
        return echo(adapter, folder, rows)

    batcher = Batcher(fail_on_seven, max_rows=1, max_queued=9, window_s=0)
    batcher.thread.start()
    assert isinstance(batcher.submit(an_ask(7)).exception(10), RuntimeError)
    assert batcher.submit(an_ask(8)).result(10)
    batcher.close()


def test_more_than_the_queue_takes_is_refused() -> None:
    running, go = threading.Event(), threading.Event()

    def slow(adapter: str | None, folder: Path | None, rows: Sequence[Row]) -> list[Drawn]:
        running.set()
        go.wait(10)
        return echo(adapter, folder, rows)

    batcher = Batcher(slow, max_rows=1, max_queued=2, window_s=0)
    batcher.thread.start()
    first = batcher.submit(an_ask(1))
    running.wait(10)
    waiting = [batcher.submit(an_ask(1)), batcher.submit(an_ask(1))]
    with pytest.raises(Overloaded, match="2 requests"):
        batcher.submit(an_ask(1))
    go.set()
    assert all(answer.result(10) for answer in (first, *waiting))
    batcher.close()
