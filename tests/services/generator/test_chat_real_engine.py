"""The real engine keeps the same contract as the fake one that the steps are tested with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.generator.chat import Engine, Sampling
from shared.errors import InvalidInput
from tests.models import tiny_llava
from tests.services.generator.chat_contract import ChatContract, Served
from tests.services.generator.engine.serving import serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("engine")
    with serving(tiny_llava(folder / "model"), folder, engine_key=SecretStr("secret")) as client:
        yield Served(Engine(str(client.base_url), key="secret", patience_s=5.0), "base")


class TestRealEngine(ChatContract):
    """The engine on transformers keeps the contract."""


def test_a_prompt_longer_than_the_models_positions_is_the_users_fault(served: Served) -> None:
    with pytest.raises(InvalidInput, match="HTTP 4"):
        served.ask(Sampling(1, 1.0, 1.0, 6), seed=1, text="bird " * 2000)
