"""The packaged encoder, loaded once, and a cache folder for whatever wires one."""

from pathlib import Path

import pytest

from services.selector.encoder import SentenceEncoder
from services.selector.wiring import encoder_model


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(encoder_model("minilm"), batch_size=4)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSYNTH_ENCODER_CACHE", str(tmp_path / "embeddings"))
