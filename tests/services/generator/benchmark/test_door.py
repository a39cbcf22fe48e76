"""The door between lmms-eval and the engine, asked as lmms-eval asks."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.generator.benchmark.door import Door
from services.generator.chat import Chat, Engine
from services.generator.proof import guarded
from shared.errors import InvalidInput, RequestsFailed, SystemFault
from tests.services.generator.benchmark.tasks import Heard, context
from tests.services.generator.fake_engine import MODEL, Asked, FakeEngine
from tests.services.generator.proof.scene import answering_as, publish_probed
from tests.services.generator.proof.scene import uri as uri_of

BODY = {
    "model": "model",
    "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": uri_of(0)}}, {"type": "text", "text": "What is it?"},
    ]}],
    "max_tokens": 4,
    "temperature": 0,
}  # fmt: skip
Talk = Callable[[httpx.AsyncClient, Door], Awaitable[Any]]


def through(engine: Engine, talk: Talk, model: str = MODEL) -> Any:
    async def opened() -> Any:
        async with Chat(engine) as chat, Door(chat, model, seed=7) as door, httpx.AsyncClient(timeout=30) as http:
            http.headers["Authorization"] = f"Bearer {door.address.key}"
            return await talk(http, door)

    return asyncio.run(opened())


async def complete(http: httpx.AsyncClient, door: Door, **changes: Any) -> httpx.Response:
    return await http.post(f"{door.address.url}/chat/completions", json=BODY | changes)


def test_requests_go_to_the_model_with_a_seed_and_are_counted(fake: FakeEngine) -> None:
    fake.says = lambda asked, choice: "a wing" if len(fake.asked) == 1 else ""

    async def talk(http: httpx.AsyncClient, door: Door) -> Any:
        first, second = await complete(http, door), await complete(http, door, seed=3)
        door.check()
        return first.json()["choices"][0]["message"]["content"], second.status_code, door.answered, door.empty

    assert through(Engine(fake.url), talk) == ("a wing", 200, 2, 1)
    assert [(asked.model, asked.seed) for asked in fake.asked] == [(MODEL, 7), (MODEL, 3)]


def test_a_failure_that_passes_is_not_seen_by_whoever_asks(fake: FakeEngine) -> None:
    fake.failures = [500, 503]

    async def talk(http: httpx.AsyncClient, door: Door) -> int:
        answer = await complete(http, door)
        door.check()
        return answer.status_code

    assert through(Engine(fake.url), talk) == 200


@pytest.mark.parametrize(("status", "error"), [(400, InvalidInput), (500, RequestsFailed)])
def test_the_first_failure_is_kept_with_its_reason(fake: FakeEngine, status: int, error: type[Exception]) -> None:
    def fails(asked: Asked) -> int:
        return status if asked.max_tokens == 5 else 0

    async def talk(http: httpx.AsyncClient, door: Door) -> None:
        await complete(http, door)
        assert (await complete(http, door, max_tokens=5)).status_code == 400
        with pytest.raises(error, match="a failure that the test ordered"):
            door.check()
        assert door.answered == 1

    fake.fails = fails
    through(Engine(fake.url, tries=2, patience_s=10), talk)


@pytest.mark.parametrize("path", ["", "/chat/completions"])
def test_a_task_that_asks_a_judge_is_a_fault(fake: FakeEngine, path: str) -> None:
    """Some tasks take the address as it is, others go on from there."""

    async def talk(http: httpx.AsyncClient, door: Door) -> None:
        await http.post(door.address.judge_url + path, json={})
        with pytest.raises(InvalidInput, match="asks a judge"):
            door.check()

    through(Engine(fake.url), talk)


def test_whoever_lacks_the_key_is_not_answered(fake: FakeEngine) -> None:
    async def talk(http: httpx.AsyncClient, door: Door) -> int:
        http.headers["Authorization"] = "Bearer guessed"
        answer = await complete(http, door)
        assert (await http.get(door.address.url)).status_code == 404
        door.check()
        return answer.status_code

    assert through(Engine(fake.url), talk) == 401
    assert fake.asked == []


def test_an_adapter_without_effect_is_not_asked(client: httpx.Client, model: Path, store: Path) -> None:
    publish_probed(model, store, "j-r2")

    async def talk(http: httpx.AsyncClient, door: Door) -> None:
        await complete(http, door)
        with pytest.raises(SystemFault) as caught:
            door.check()
        assert (caught.value.code, door.answered) == ("adapter_has_no_effect", 0)

    with answering_as(client, {"j-r2": "base"}) as url:
        step = context(store, "j-r2", Heard(), {"tasks": ["own_pictures"]})
        through(guarded(step, Engine(url)), talk, "j-r2")
