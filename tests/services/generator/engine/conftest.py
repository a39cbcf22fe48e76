"""One tiny model for all of the engine's tests, one store and one server a module."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch

from tests.models import tiny_llava
from tests.services.generator.engine.serving import serving


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tiny_llava(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def client(model: Path, store: Path) -> Iterator[httpx.Client]:
    with serving(model, store) as client:
        yield client
