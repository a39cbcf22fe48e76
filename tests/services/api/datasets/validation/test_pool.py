"""The pool of worker processes, with real processes that really die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from services.api.datasets.validation.pool import run_each

Answer = tuple[int, str]


def work(number: int, folder: Path | None = None) -> Answer:
    """Numbers below 0 are bad: -1 dies each time, -2 takes for ever, -3 raises, -4 dies the first time."""
    if number == -1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == -2:
        time.sleep(100)
    if number == -3:
        raise ValueError("a fault of the function")
    if number == -4 and folder and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number, "done"


def lost(number: int, why: str) -> Answer:
    return number, why


def children() -> list[psutil.Process]:
    """Worker processes only: multiprocessing's own tracker of resources stays."""
    return [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]


def test_answers_come_in_order_from_several_processes() -> None:
    assert list(run_each(work, range(300), lost, processes=2)) == [(n, "done") for n in range(300)]
    assert children() == []


def test_an_item_that_kills_its_process_costs_itself_alone() -> None:
    numbers = [0, 1, -1, 2, 3, -1, 4]
    answers = list(run_each(work, numbers, lost, processes=2))
    assert [number for number, _ in answers] == numbers
    assert [why for number, why in answers if number == -1] == ["the process died over it (SIGSEGV)"] * 2
    assert {why for number, why in answers if number >= 0} == {"done"}


def test_a_process_that_dies_of_something_else_gives_its_item_a_second_chance(tmp_path: Path) -> None:
    answers = list(run_each(partial(work, folder=tmp_path), [0, -4, 1], lost, processes=1))
    assert answers == [(0, "done"), (-4, "done"), (1, "done")]


def test_an_item_that_takes_for_ever_is_given_up() -> None:
    answers = list(run_each(work, [0, -2, 1, 2], lost, processes=2, timeout_s=1))
    assert answers[1] == (-2, "it took longer than 1 s (SIGKILL)")
    assert [answer for answer in answers if answer[0] >= 0] == [(0, "done"), (1, "done"), (2, "done")]


def test_an_exception_of_the_function_is_raised_and_ends_the_processes() -> None:
    with pytest.raises(ValueError, match="a fault of the function"):
        list(run_each(work, [0, -3, 1], lost, processes=2))
    assert children() == []


def test_few_items_are_taken_ahead_of_what_is_consumed() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 100_000:
            taken += 1
            yield taken

    answers = run_each(work, items(), lost, processes=1)
    for _ in range(10):
        next(answers)
    answers.close()
    assert taken < 200
    assert children() == []


def test_a_function_that_no_process_can_load_is_an_error_and_not_a_lost_item() -> None:
    script = "from services.api.datasets.validation.pool import run_each\ndef f(n): return n\n"
    script += "print(list(run_each(f, [1], lambda n, why: why, processes=1)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "could not start" in done.stderr
    assert done.stdout == ""


def test_no_process_outlives_an_owner_that_is_killed() -> None:
    here = "tests.services.api.datasets.validation.test_pool"
    script = f"from {here} import *\nif __name__ == '__main__': list(run_each(work, [-2, -2], lost, processes=2))"
    owner = subprocess.Popen([sys.executable, "-c", script])
    try:
        below: list[psutil.Process] = []
        while len(below) < 3:  # two workers and multiprocessing's tracker
            below = psutil.Process(owner.pid).children()
            time.sleep(0.05)
    finally:
        owner.kill()
        owner.wait()
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
