"""What lmms-eval is told, and what it is not."""

from pathlib import Path

import pytest

from services.generator.benchmark.door import Address
from services.generator.benchmark.place import Place, config_of
from shared.errors import SystemFault
from shared.job_settings import BenchmarkSettings

ADDRESS = Address("http://127.0.0.1:1/v1", "http://127.0.0.1:1/judge", "key-1")


def test_a_worker_without_the_environment_says_how_to_get_one(tmp_path: Path) -> None:
    for python in (None, tmp_path / "python"):
        with pytest.raises(SystemFault, match="no environment for benchmarks") as caught:
            Place(python).check()
        assert (caught.value.code, "install_lmms_eval" in caught.value.remedy) == ("benchmark_not_installed", True)


def test_a_folder_of_tasks_that_is_missing_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.touch()
    with pytest.raises(SystemFault, match="nowhere"):
        Place(python, (tmp_path, tmp_path / "nowhere")).check()


def test_the_workers_own_secrets_and_the_hub_are_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"SELFSYNTH_ENGINE_KEY": "s", "AWS_SECRET_ACCESS_KEY": "s", "OPENAI_API_KEY": "s", "HF_TOKEN": "s"}
    for name, value in secret.items():
        monkeypatch.setenv(name, value)
    closed = Place(None).environment(tmp_path, ADDRESS)
    assert "s" not in closed.values()
    assert closed["HF_HUB_OFFLINE"] == closed["HF_DATASETS_OFFLINE"] == "1"
    assert closed["OPENAI_API_URL"] == ADDRESS.judge_url
    opened = Place(None, uses_hub=True).environment(tmp_path, ADDRESS)
    assert ("HF_HUB_OFFLINE" in opened, opened["HF_TOKEN"]) == (False, "s")


def test_the_model_has_a_name_that_means_nothing_to_lmms_eval(tmp_path: Path) -> None:
    settings = BenchmarkSettings(tasks=("a", "b"), limit=3)
    config = config_of(settings, (tmp_path,), tmp_path, ADDRESS, 8)
    assert config["model_args"].startswith("model=model,base_url=http://127.0.0.1:1/v1,api_key=key-1,num_concurrent=8,")
    assert (config["tasks"], config["limit"], config["include_path"]) == ("a,b", 3, [str(tmp_path)])
