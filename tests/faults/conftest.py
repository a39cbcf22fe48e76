"""The one job that the tests here look at."""

import pytest

from tests.faults.survivor import Survivor, survive


@pytest.fixture(scope="session")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    return survive(tmp_path_factory.mktemp("survival"))
