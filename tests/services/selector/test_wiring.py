"""The worker's wiring: settings from the environment, one function a step."""

from pathlib import Path

import pytest

from services.selector.wiring import build_steps, encoder_model, read_settings
from shared.types.lifecycle import QUEUE_OF_STEP, QueueName
from tests.services.selector.worlds import TableEncoder


def test_every_step_of_the_selection_queue_has_its_function() -> None:
    assert set(build_steps(TableEncoder())) == {s for s, q in QUEUE_OF_STEP.items() if q is QueueName.SELECTION}


def test_the_encoder_and_its_prefix_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"STORE_URL": "file:///x", "REDIS_URL": "redis://x", "COORDINATOR_URL": "http://x", "WORKER_TOKEN": "t"}
    for name, value in {**given, "ENCODER": "/models/e", "ENCODER_PREFIX": "query: "}.items():
        monkeypatch.setenv(f"SELFSYNTH_{name}", value)
    settings = read_settings()
    assert (settings.encoder, settings.encoder_prefix) == ("/models/e", "query: ")
    assert encoder_model(settings.encoder) == "/models/e"


def test_the_packaged_encoder_is_there() -> None:
    assert Path(encoder_model("minilm"), "model.safetensors").is_file()
