"""How attempts end and go on, shown with the describe step."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from services.generator.chat import Engine
from services.generator.steps import describe
from shared.errors import EngineUnavailable, NotFound, StepInterrupted, StepStopped
from shared.types.lifecycle import StepName
from shared.types.records import Description
from shared.worker.context import StepContext
from tests.ports import free_port
from tests.services.generator.fake_engine import Asked, FakeEngine
from tests.services.generator.steps.scene import Scene, build_scene, engine_at, run

SETTINGS = {"describe": {"instructions": 1, "samples": 2}}


def context(scene: Scene, attempt: int = 1, check: Callable[[], None] = lambda: None) -> StepContext:
    return scene.context(StepName.DESCRIBE, SETTINGS, attempt=attempt, check=check)


def stop_after(scene: Scene, parts: int, error: type[Exception]) -> Callable[[], None]:
    def check() -> None:
        if len(scene.parts(StepName.DESCRIBE)) >= parts:
            raise error

    return check


@pytest.mark.parametrize("error", [StepStopped, StepInterrupted])
def test_a_resumed_attempt_leaves_earlier_parts_alone_and_has_each_example_once(
    tmp_path: Path, fake: FakeEngine, error: type[Exception]
) -> None:
    scene = build_scene(tmp_path, train=40)
    fake.hold_s = 0.05
    with pytest.raises(error):
        run(describe.run, context(scene, check=stop_after(scene, 2, error)), fake)
    before = scene.parts(StepName.DESCRIBE)
    assert 2 <= len(before) < 10
    key = run(describe.run, context(scene, attempt=2), fake)
    after = scene.parts(StepName.DESCRIBE)
    assert before.items() <= after.items()
    assert len(after) == 10
    expected = [(example.id, sample) for example in scene.of("train") for sample in range(2)]
    assert [(row.example_id, row.sample) for row in scene.rows(Description, key)] == expected


def test_a_resumed_attempt_asks_only_about_what_is_missing(tmp_path: Path, fake: FakeEngine) -> None:
    scene = build_scene(tmp_path, train=40)
    run(describe.run, context(scene), fake)
    lost = sorted(scene.parts(StepName.DESCRIBE))[3]
    scene.store.delete(lost)
    fake.asked.clear()
    run(describe.run, context(scene, attempt=2), fake)
    missing = {example.sha256 for example in scene.of("train")[12:16]}
    assert {asked.image_sha256 for asked in fake.asked} == missing


def test_requests_cross_the_borders_of_parts(tmp_path: Path, fake: FakeEngine) -> None:
    scene = build_scene(tmp_path, train=40)
    fake.hold_s = 0.1
    describe.run(context(scene), engine_at(fake, in_flight=20))
    assert fake.open_most == 20


def test_a_part_whose_neighbour_is_late_is_written_first(tmp_path: Path, fake: FakeEngine) -> None:
    scene = build_scene(tmp_path, train=8)
    seen_first: list[str] = []
    first_image = scene.examples[0].sha256

    def says(asked: Asked, choice: int) -> str:
        deadline = time.monotonic() + 10
        while asked.image_sha256 == first_image and not seen_first and time.monotonic() < deadline:
            seen_first.extend(scene.parts(StepName.DESCRIBE))
            time.sleep(0.01)
        return "words"

    fake.says = says
    run(describe.run, context(scene), fake)
    assert [key[-16:] for key in seen_first] == ["00001-a1.parquet"]


def test_a_stop_is_prompt_and_leaves_whole_parts_only(tmp_path: Path, fake: FakeEngine) -> None:
    scene = build_scene(tmp_path, train=40)
    fake.hold_s = 60
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise StepStopped

    threading.Timer(0.3, stop.set).start()
    with pytest.raises(StepStopped):
        run(describe.run, context(scene, check=check), fake)
    assert fake.open_now == 8, "the engine is still at work on what was asked"
    assert scene.parts(StepName.DESCRIBE) == {}


def test_nothing_is_put_after_a_stop(scene: Scene, fake: FakeEngine) -> None:
    def check() -> None:
        if fake.asked:
            raise StepStopped

    with pytest.raises(StepStopped):
        run(describe.run, context(scene, check=check), fake)
    assert scene.parts(StepName.DESCRIBE) == {}


def test_progress_counts_examples_those_of_earlier_attempts_included(scene: Scene, fake: FakeEngine) -> None:
    run(describe.run, context(scene), fake)
    scene.store.delete(min(scene.parts(StepName.DESCRIBE)))
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int, metrics: Mapping[str, float]) -> None:
        told.append((done, total))

    resumed = scene.context(StepName.DESCRIBE, SETTINGS, attempt=2, progress=progress)
    run(describe.run, resumed, fake)
    assert told[0] == (6, 10)
    assert told[-1] == (10, 10)


def test_an_engine_that_is_gone_is_the_systems_fault(scene: Scene) -> None:
    gone = Engine(f"http://127.0.0.1:{free_port()}", patience_s=0.3)
    with pytest.raises(EngineUnavailable):
        describe.run(context(scene), gone)


def test_an_image_that_is_gone_is_named(scene: Scene, fake: FakeEngine) -> None:
    scene.store.delete(scene.examples[2].image_key)
    with pytest.raises(NotFound, match=r"datasets/d/images/2\.png"):
        run(describe.run, context(scene), fake)


def test_a_shard_without_examples_ends_with_an_empty_artefact(scene: Scene, fake: FakeEngine) -> None:
    empty = scene.context(StepName.DESCRIBE, SETTINGS, shard=0, shards=11)
    key = run(describe.run, empty, fake)
    assert scene.rows(Description, key) == []
    assert scene.figures(key) == {"descriptions": 0, "failed": 0}
