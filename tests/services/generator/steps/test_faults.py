"""Engines that are killed, hang, come or fail while a step asks them, shown with the describe step.

The fake engine's texts depend on image, question and seed alone: what a disturbed step left must be, row by row, what
an undisturbed one leaves.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from services.generator.chat import Engine
from services.generator.steps import describe
from shared.errors import InvalidInput, RequestsFailed
from shared.types.lifecycle import StepName
from shared.types.records import Description
from tests.ports import free_port
from tests.services.generator.fake_engine import Asked, FakeEngine
from tests.services.generator.steps.scene import Scene, build_scene, run

SETTINGS = {"describe": {"instructions": 3, "samples": 2}}


@pytest.fixture
def big(tmp_path: Path) -> Scene:
    return build_scene(tmp_path, train=40)


def left_by(scene: Scene, engine: Engine, attempt: int = 1) -> list[Description]:
    context = scene.context(StepName.DESCRIBE, SETTINGS, attempt=attempt)
    return scene.rows(Description, describe.run(context, engine).key)


def undisturbed(folder: Path) -> list[Description]:
    scene = build_scene(folder / "undisturbed", train=40)
    with FakeEngine() as calm:
        return scene.rows(Description, run(describe.run, scene.context(StepName.DESCRIBE, SETTINGS), calm))


@contextmanager
def own_process(port: int, hold_s: float = 0.03) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.services.generator.fake_engine", str(port), str(hold_s)]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until_parts(scene: Scene, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(scene.parts(StepName.DESCRIBE)) < count:
        assert time.monotonic() < deadline, "the step does not get on"
        time.sleep(0.01)


def test_an_engine_killed_mid_step_and_started_again_loses_and_doubles_nothing(big: Scene, tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        first = stack.enter_context(own_process(port))
        step = pool.submit(left_by, big, Engine(f"http://127.0.0.1:{port}", in_flight=4, patience_s=30))
        until_parts(big, 2)
        first.kill()
        first.wait()
        stack.enter_context(own_process(port))
        rows = step.result(timeout=40)
    assert rows == undisturbed(tmp_path)


def test_a_replica_that_hangs_mid_step_is_done_without(big: Scene, tmp_path: Path) -> None:
    port = free_port()
    with own_process(port) as hanging, FakeEngine(hold_s=0.03) as other, ThreadPoolExecutor() as pool:
        engine = Engine(f"http://127.0.0.1:{port},{other.url}", in_flight=4, request_s=1.0, patience_s=30)
        step = pool.submit(left_by, big, engine)
        until_parts(big, 2)
        os.kill(hanging.pid, signal.SIGSTOP)
        rows = step.result(timeout=40)
    assert rows == undisturbed(tmp_path)


def test_a_replica_added_mid_step_takes_its_share(big: Scene, tmp_path: Path) -> None:
    with FakeEngine(hold_s=0.03) as first, FakeEngine(hold_s=0.03, host="127.0.0.2", port=first.port) as second:
        found = [first.url]

        async def resolve(url: str) -> list[str]:
            return found

        threading.Timer(0.3, found.append, [second.url]).start()
        engine = Engine("dns+http://engines:80", in_flight=2, resolve=resolve, resolve_every_s=0.05)
        rows = left_by(big, engine)
    assert rows == undisturbed(tmp_path)
    assert len(first.asked) + len(second.asked) == 120
    assert len(second.asked) > 20


def test_requests_spread_over_replicas_and_those_about_one_image_stay_together(big: Scene, tmp_path: Path) -> None:
    with FakeEngine(hold_s=0.01) as first, FakeEngine(hold_s=0.01) as second:
        rows = left_by(big, Engine(f"{first.url},{second.url}", in_flight=4))
    assert rows == undisturbed(tmp_path)
    held = [Counter(asked.image_sha256 for asked in fake.asked) for fake in (first, second)]
    assert not held[0].keys() & held[1].keys()
    assert {count for each in held for count in each.values()} == {3}
    assert all(len(each) >= 8 for each in held)


def test_requests_about_one_image_go_next_to_each_other(big: Scene) -> None:
    with FakeEngine() as fake:
        left_by(big, Engine(fake.url, in_flight=1))
    images = [asked.image_sha256 for asked in fake.asked]
    assert all(len(set(images[start : start + 3])) == 1 for start in range(0, len(images), 3))


def test_a_request_that_keeps_failing_is_a_row_with_its_reason_and_is_counted(big: Scene, tmp_path: Path) -> None:
    poison = big.examples[5]
    with FakeEngine() as fake:
        fake.fails = lambda asked: 500 if poison_asked(asked, poison.sha256) else 0
        context = big.context(StepName.DESCRIBE, SETTINGS)
        key = describe.run(context, Engine(fake.url, in_flight=8, tries=2)).key
    failed = [row for row in big.rows(Description, key) if row.finish_reason == "failed"]
    assert [(row.example_id, row.instruction, row.text) for row in failed] == [(poison.id, 1, "")] * 2
    assert all("HTTP 500: a failure that the test ordered" in row.failure for row in failed)
    assert big.figures(key) == {"descriptions": 238, "failed": 2}
    whole = [row for row in undisturbed(tmp_path) if (row.example_id, row.instruction) != (poison.id, 1)]
    assert [row for row in big.rows(Description, key) if row not in failed] == whole


def poison_asked(asked: Asked, sha256: str) -> bool:
    return asked.image_sha256 == sha256 and asked.text.startswith("What does")


def test_too_many_failures_fail_the_step_with_counts_and_a_later_attempt_asks_for_them_again(
    big: Scene, tmp_path: Path
) -> None:
    poisons = {example.sha256 for example in big.examples[:3]}
    with FakeEngine() as fake:
        fake.fails = lambda asked: 500 if asked.image_sha256 in poisons else 0
        engine = Engine(fake.url, in_flight=8, tries=2)
        with pytest.raises(RequestsFailed, match=r"3 of \d+ requests failed, and at most 2% may: .*HTTP 500"):
            left_by(big, engine)
        fake.fails = lambda asked: 0
        assert left_by(big, engine, attempt=2) == undisturbed(tmp_path)


def test_when_every_request_is_refused_the_step_fails_by_the_users_fault_at_once(big: Scene) -> None:
    with FakeEngine() as fake:
        fake.fails = lambda asked: 400
        with pytest.raises(InvalidInput, match=r"HTTP 400: a failure that the test ordered"):
            left_by(big, Engine(fake.url, in_flight=8))
