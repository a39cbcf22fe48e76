from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.generator.fake_engine import FakeEngine
from tests.services.generator.steps.scene import Scene, build_scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return build_scene(tmp_path)


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine
