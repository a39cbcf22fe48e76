"""The real engine keeps the same contract as the fake one that the steps are tested with."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.generator.chat import Chat, Engine, Sampling
from services.generator.wire import NoStructure
from shared.errors import InvalidInput
from tests.models import tiny_llava
from tests.services.generator.chat_contract import WARM, ChatContract, Served, image_uri
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


def test_a_json_schema_is_refused_with_what_mends_it(served: Served) -> None:
    async def ask() -> None:
        async with Chat(served.engine) as chat:
            await chat.ask(served.model, image_uri("red"), "?", WARM, 1, schema={"type": "array"})

    with pytest.raises(NoStructure, match=r"serve the model with vLLM, or leave it out") as raised:
        asyncio.run(ask())
    assert raised.value.fault == "user"
