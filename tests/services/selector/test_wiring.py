"""The worker's wiring: settings from the environment, one function a step."""

import json
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.selector.wiring import SelectorSettings, build_encoder, build_steps, encoder_model, read_settings
from shared.types.lifecycle import QUEUE_OF_STEP, QueueName
from tests.services.selector.worlds import TableEncoder


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What every worker needs."""
    given = {"STORE_URL": "file:///x", "REDIS_URL": "redis://x", "COORDINATOR_URL": "http://x", "WORKER_TOKEN": "t"}
    for name, value in given.items():
        monkeypatch.setenv(f"SELFSYNTH_{name}", value)
    return monkeypatch


def encoder_at(folder: Path, **said: object) -> str:
    """A copy of the packaged encoder whose files say this."""
    shutil.copytree(encoder_model("minilm"), folder)
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    return str(folder)


def warnings(settings: SelectorSettings) -> list[str]:
    with capture_logs() as logs:
        build_encoder(settings)
    return [log["event"] for log in logs if log["log_level"] == "warning"]


def test_every_step_of_the_selection_queue_has_its_function() -> None:
    assert set(build_steps(TableEncoder())) == {s for s, q in QUEUE_OF_STEP.items() if q is QueueName.SELECTION}


def test_the_encoder_and_its_prefix_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SELFSYNTH_ENCODER", "/models/e")
    environment.setenv("SELFSYNTH_ENCODER_PREFIX", "query: ")
    settings = read_settings()
    assert (settings.encoder, settings.encoder_prefix) == ("/models/e", "query: ")
    assert encoder_model(settings.encoder) == "/models/e"


def test_the_packaged_encoder_is_there() -> None:
    assert Path(encoder_model("minilm"), "model.safetensors").is_file()


def test_the_encoder_is_known_by_the_name_that_was_set(environment: pytest.MonkeyPatch) -> None:
    assert build_encoder(read_settings()).facts.name == "minilm"
    assert warnings(read_settings()) == []


def test_an_e5_encoder_without_its_prompt_is_warned_of_with_the_setting_that_mends_it(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("SELFSYNTH_ENCODER", encoder_at(tmp_path / "multilingual-E5-large"))
    [warning] = warnings(read_settings())
    assert "SELFSYNTH_ENCODER_PREFIX" in warning
    for prefix in ("query: ", ""):
        environment.setenv("SELFSYNTH_ENCODER_PREFIX", prefix)
        assert warnings(read_settings()) == []


def test_nobody_is_warned_of_an_e5_encoder_whose_files_name_a_prompt(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    environment.setenv("SELFSYNTH_ENCODER", encoder_at(tmp_path / "e5-small", **said))
    assert warnings(read_settings()) == []


def test_a_name_that_only_holds_the_letters_is_no_e5(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("SELFSYNTH_ENCODER", encoder_at(tmp_path / "sentence5-base"))
    assert warnings(read_settings()) == []
