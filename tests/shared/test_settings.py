"""Settings from the environment and from files."""

import json
from pathlib import Path

import pytest

from shared.errors import InvalidInput
from shared.settings import WorkerSettings


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets that is complete but for the store's, which the environment has."""
    for name, value in {"STORE_URL": "s3://b", "COORDINATOR_URL": "http://x", "SECRETS_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(f"SELFSYNTH_{name}", value)
    (tmp_path / "selfsynth_redis_url").write_text("redis://:hidden@x\n")
    (tmp_path / "selfsynth_worker_token").write_text("from the file\n")
    return tmp_path


def test_secrets_come_from_files_named_as_the_variables_in_lower_case(secrets: Path) -> None:
    settings = WorkerSettings()
    assert settings.worker_token.get_secret_value() == "from the file"
    assert settings.redis_url.get_secret_value() == "redis://:hidden@x"


def test_the_environment_goes_before_the_files(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSYNTH_WORKER_TOKEN", "from the environment")
    assert WorkerSettings().worker_token.get_secret_value() == "from the environment"


def test_the_stores_address_and_its_keys_may_stand_apart(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSYNTH_STORE_OPTIONS", json.dumps({"endpoint": "http://s3"}))
    (secrets / "selfsynth_store_options").write_text(json.dumps({"access_key_id": "a"}))
    assert WorkerSettings().store_options == {"endpoint": "http://s3", "access_key_id": "a"}


def test_links_inside_the_folder_are_followed_as_kubernetes_makes_them(secrets: Path) -> None:
    (secrets / "..data").mkdir()
    (secrets / "selfsynth_worker_token").replace(secrets / "..data" / "selfsynth_worker_token")
    (secrets / "selfsynth_worker_token").symlink_to("..data/selfsynth_worker_token")
    assert WorkerSettings().worker_token.get_secret_value() == "from the file"


def test_a_named_folder_that_is_missing_is_told(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSYNTH_SECRETS_DIR", str(secrets / "nowhere"))
    with pytest.raises(InvalidInput, match="nowhere"):
        WorkerSettings()
