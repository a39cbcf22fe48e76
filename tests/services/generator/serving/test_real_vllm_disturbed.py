"""Real vLLM that is killed, hangs or gets company while a step asks it. As in steps/test_faults, with the real thing.

What an engine samples depends on the batch it computes, so texts are not compared: a step has ended right when it left
every description once, all of them answers.
"""

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.generator.chat import Engine
from services.generator.proof import guarded
from services.generator.steps import describe
from shared.types.lifecycle import StepName
from shared.types.records import Description
from shared.worker.context import StepContext
from tests.services.generator.engine.serving import picture, serving
from tests.services.generator.proof.scene import answering_as, is_proven_first, publish_probed
from tests.services.generator.steps.scene import Scene, build_scene
from tests.vllm_server import KEY, Vllm

_IMAGES, _INSTRUCTIONS, _SAMPLES = 32, 3, 2
_REQUEST_S = 6.0
_SETTINGS = {"describe": {"instructions": _INSTRUCTIONS, "samples": _SAMPLES, "max_tokens": 32}}


def disturbed(
    folder: Path, engine: Callable[[StepContext], Engine], disturb: Callable[[], None], teacher: str = "base"
) -> None:
    """Run a step, `disturb` it when a quarter is written, and hold what it left against what it should have."""
    scene = build_scene(folder, train=_IMAGES, image_of=picture)
    step = scene.context(StepName.DESCRIBE, _SETTINGS, teacher=teacher, base_model="base")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: describe.run(step, engine(step)).key)
        while len(scene.parts(StepName.DESCRIBE)) < _IMAGES / 4 / 4:
            assert not running.done(), running.exception() or "the step was over before it was disturbed"
            time.sleep(0.01)
        disturb()
        key = running.result(timeout=300)
    hold_whole(scene, key)


def hold_whole(scene: Scene, key: str) -> None:
    rows = scene.rows(Description, key)
    left = [(row.example_id, row.instruction, row.sample) for row in rows]
    asked = [(each.id, i, k) for each in scene.of("train") for i in range(_INSTRUCTIONS) for k in range(_SAMPLES)]
    assert left == asked
    assert scene.figures(key) == {"descriptions": len(asked), "failed": 0}
    assert len(scene.parts(StepName.DESCRIBE)) == _IMAGES / 4


def test_one_that_hangs_mid_step_and_goes_on_loses_and_doubles_nothing(vllm: Vllm, tmp_path: Path) -> None:
    def hang() -> None:
        core = vllm.core()
        core.send_signal(signal.SIGSTOP)
        time.sleep(_REQUEST_S + 2)
        core.send_signal(signal.SIGCONT)

    disturbed(tmp_path, lambda _: impatient(vllm), hang)


@pytest.mark.parametrize("hung_s", [0.0, pytest.param(_REQUEST_S + 2, marks=pytest.mark.long)])
def test_one_that_is_killed_mid_step_and_started_again_loses_and_doubles_nothing(
    vllm: Vllm, tmp_path: Path, hung_s: float
) -> None:
    def kill() -> None:
        if hung_s:
            vllm.core().send_signal(signal.SIGSTOP)
            time.sleep(hung_s)
        vllm.kill()
        vllm.start()

    disturbed(tmp_path, lambda _: impatient(vllm), kill)


def impatient(vllm: Vllm) -> Engine:
    """With requests, not with their sum: on a machine that is busy with other things many may take too long."""
    return Engine(vllm.url, key=KEY, in_flight=4, request_s=_REQUEST_S, patience_s=300, tries=20)


def test_another_engine_that_joins_mid_step_is_proven_and_takes_its_share(vllm: Vllm) -> None:
    """The other is our own engine: to a step they are the same."""
    publish_probed(vllm.model, vllm.store, "shared-r1", std=0.3, seed=6)
    found, asked = [vllm.url], list[dict[str, Any]]()

    async def resolve(url: str) -> Sequence[str]:
        return found

    def engine(step: StepContext) -> Engine:
        resolving = {"resolve": resolve, "resolve_every_s": 0.05}
        return guarded(step, Engine("dns+http://engines:80", key=KEY, in_flight=4, **resolving))

    with serving(vllm.model, vllm.store) as own, answering_as(own, {}, asked) as url:
        disturbed(vllm.store, engine, lambda: found.append(url), teacher="shared-r1")
    assert is_proven_first(asked)
