from collections.abc import Iterator

import pytest

from tests.services.generator.engine.conftest import client, model, store
from tests.services.generator.fake_engine import FakeEngine

__all__ = ["client", "model", "store"]


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine
