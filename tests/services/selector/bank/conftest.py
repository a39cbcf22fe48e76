"""The packaged encoder, loaded once."""

import pytest

from services.selector.encoder import SentenceEncoder
from services.selector.wiring import encoder_folder


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(encoder_folder("minilm"))
