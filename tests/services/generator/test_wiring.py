import subprocess
import sys

import pytest
from pydantic import ValidationError

from services.generator.wiring import build_engine, build_steps, read_settings
from shared.types.lifecycle import QUEUE_OF_STEP, QueueName

ENVIRONMENT = {
    "SELFSYNTH_STORE_URL": "file:///tmp/store",
    "SELFSYNTH_REDIS_URL": "redis://127.0.0.1:1",
    "SELFSYNTH_COORDINATOR_URL": "http://127.0.0.1:1",
    "SELFSYNTH_WORKER_TOKEN": "token",
    "SELFSYNTH_ENGINE_URL": "http://127.0.0.1:2",
    "SELFSYNTH_ENGINE_KEY": "secret",
    "SELFSYNTH_IN_FLIGHT": "7",
    "SELFSYNTH_ENGINE_TRIES": "3",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_the_engine_is_built_from_the_environment() -> None:
    engine = build_engine(read_settings())
    assert (engine.url, engine.key, engine.in_flight, engine.tries) == ("http://127.0.0.1:2", "secret", 7, 3)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELFSYNTH_ENGINE_URL")
    with pytest.raises(ValidationError, match="engine_url"):
        read_settings()


def test_every_step_of_the_generation_queue_has_its_work() -> None:
    steps = build_steps(build_engine(read_settings()))
    assert set(steps) == {step for step, queue in QUEUE_OF_STEP.items() if queue is QueueName.GENERATION}


def test_the_worker_holds_no_model_code_and_reads_nothing_at_import() -> None:
    code = "import sys, services.generator.worker; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={}, check=False, timeout=60).returncode == 0
