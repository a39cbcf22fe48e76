"""One tiny model for all of the engine's tests, one store and one server a module."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch
from transformers import AutoModelForImageTextToText

from tests.models import tiny_llava
from tests.services.generator.engine.serving import serving


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights five times as large as drawn, since otherwise a random model says one token for ever."""
    torch.set_num_threads(1)
    folder = tiny_llava(tmp_path_factory.mktemp("model"))
    lively = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        for name, weights in lively.named_parameters():
            weights.mul_(5 if weights.ndim > 1 and "embed_tokens" not in name else 1)
    lively.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def client(model: Path, store: Path) -> Iterator[httpx.Client]:
    with serving(model, store) as client:
        yield client
