"""A worker's message, handled by real processes that are shut down while they train."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from services.trainer.wiring import TrainerSettings
from shared.objects import ObjectStore
from shared.types.tasks import StepTask
from tests.services.trainer.scene import put_inputs, task_for
from tests.shared.worker.coordinator_stub import CoordinatorStub, running_stub

_DIES_WITH_US = "from shared.worker.parent_death import die_with_parent; die_with_parent(); "
_WORKER = "import json, sys; from services.trainer.worker import run_step; run_step(json.loads(sys.argv[1]))"


def worker(coordinator: CoordinatorStub, settings: TrainerSettings, task: StepTask) -> subprocess.Popen[bytes]:
    wired = {
        "STORE_URL": settings.store_url,
        "REDIS_URL": "redis://127.0.0.1:1",
        "COORDINATOR_URL": coordinator.url,
        "WORKER_TOKEN": "token",
        "MODELS": json.dumps({name: str(path) for name, path in settings.models.items()}),
        "WORK_DIR": str(settings.work_dir),
        "TRAINER_THREADS": "1",
    }
    env = os.environ | {f"SELFSYNTH_{name}": value for name, value in wired.items()}
    # A process group of its own, as RQ gives each message: what ends it must end nobody else.
    command = [sys.executable, "-c", _DIES_WITH_US + _WORKER, task.model_dump_json()]
    return subprocess.Popen(command, env=env, start_new_session=True)


def wait_for(is_true: Callable[[], bool]) -> None:
    until = time.monotonic() + 300
    while not is_true():
        assert time.monotonic() < until
        time.sleep(0.05)


def checkpoints(store: ObjectStore) -> list[int]:
    """Their optimiser steps."""
    return [int(key.rsplit("step-")[1][:6]) for key in store.list("jobs") if "/checkpoints/" in key]


def test_a_worker_that_is_shut_down_saves_hands_back_and_another_goes_on(
    store: ObjectStore, settings: TrainerSettings
) -> None:
    inputs = put_inputs(store)
    tasks = [task_for(inputs, attempt, epochs=30, checkpoint_every=7) for attempt in (1, 2)]
    with running_stub() as coordinator:
        first = worker(coordinator, settings, tasks[0])
        wait_for(lambda: bool(checkpoints(store)))
        os.kill(first.pid, signal.SIGTERM)
        assert first.wait(300) == 0
        left = checkpoints(store)[-1]
        assert left not in (7, 120)
        assert worker(coordinator, settings, tasks[1]).wait(300) == 0
    ends = [body["outcome"] for verb, body in coordinator.calls if verb == "ended"]
    assert ends == ["again", "succeeded"]
    done = [(body["attempt"], body["done"]) for verb, body in coordinator.calls if verb == "progress"]
    assert min(step for attempt, step in done if attempt == 2) > left
    assert done[-1] == (2, 120)
