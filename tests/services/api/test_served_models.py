from collections.abc import Iterator

import pytest

from services.api.served_models import ServedModels
from shared.errors import EngineUnavailable
from tests.ports import free_port
from tests.services.api.engine import running_engine


@pytest.fixture(scope="module")
def engine_url() -> Iterator[str]:
    with running_engine() as url:
        yield url


def test_of_several_replicas_the_first_that_is_up_is_asked(engine_url: str) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    assert ServedModels(f"{gone},{engine_url}", "").names() == ServedModels(engine_url, "").names() != []


def test_a_name_for_several_addresses_is_asked_at_any(engine_url: str) -> None:
    assert ServedModels(f"dns+{engine_url}", "").names() == ServedModels(engine_url, "").names()


def test_when_no_replica_is_up_the_last_is_named() -> None:
    first, last = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with pytest.raises(EngineUnavailable, match=last):
        ServedModels(f"{first},{last}", "").names()
