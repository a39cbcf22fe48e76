from pathlib import Path

import pytest

from services.trainer.wiring import TrainerSettings
from shared.objects import ObjectStore, open_store
from tests.models import tiny_llava
from tests.services.trainer.scene import trainer_settings


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llava(tmp_path_factory.mktemp("model"))


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> TrainerSettings:
    return trainer_settings(tmp_path, tiny_model)


@pytest.fixture
def store(settings: TrainerSettings) -> ObjectStore:
    return open_store(settings.store_url)
