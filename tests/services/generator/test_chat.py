import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from services.generator.chat import Chat, Engine, Reply, Sampling
from services.generator.wire import NoStructure
from shared.errors import EngineUnavailable, InvalidInput, RequestsFailed
from tests.ports import free_port
from tests.services.generator.chat_contract import WARM, ChatContract, Served, image_uri
from tests.services.generator.fake_engine import MODEL, FakeEngine


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine(key="secret") as engine:
        yield engine


@pytest.fixture
def served(fake: FakeEngine) -> Served:
    return Served(Engine(fake.url, key="secret", patience_s=1.0), MODEL)


class TestFakeEngine(ChatContract):
    """The fake engine keeps the contract."""


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failure_that_passes_is_tried_again(fake: FakeEngine, served: Served, status: int) -> None:
    fake.failures = [status, status]
    [reply] = served.ask(WARM, seed=1)
    assert reply.text
    assert fake.failures == []


def test_a_refusal_is_the_users_fault_and_names_the_cause_and_is_not_repeated(fake: FakeEngine, served: Served) -> None:
    fake.failures = [400, 400]
    with pytest.raises(InvalidInput, match="HTTP 400: a failure that the test ordered"):
        served.ask(WARM, seed=1)
    assert fake.failures == [400]


def test_an_engine_that_keeps_failing_is_unavailable(fake: FakeEngine, served: Served) -> None:
    fake.failures = [500] * 1000
    with pytest.raises(EngineUnavailable, match="HTTP 500") as raised:
        served.ask(WARM, seed=1)
    assert raised.value.fault == "system"


def test_an_engine_that_is_gone_is_unavailable() -> None:
    gone = Served(Engine(f"http://127.0.0.1:{free_port()}", patience_s=0.5), MODEL)
    with pytest.raises(EngineUnavailable, match="ClientConnectorError"):
        gone.ask(WARM, seed=1)


def test_a_name_that_resolves_to_nothing_is_an_engine_that_is_away() -> None:
    async def nowhere(url: str) -> list[str]:
        return []

    nameless = Served(Engine("dns+http://engines:80", patience_s=0.3, resolve=nowhere), MODEL)
    with pytest.raises(EngineUnavailable, match="does not resolve"):
        nameless.ask(WARM, seed=1)


def test_an_engine_that_hangs_is_unavailable(fake: FakeEngine, served: Served) -> None:
    fake.hold_s = 5.0
    hasty = replace(served, engine=replace(served.engine, request_s=0.2, patience_s=0.5))
    with pytest.raises(EngineUnavailable, match="no answer within"):
        hasty.ask(WARM, seed=1)


def test_an_engine_that_comes_up_late_is_waited_for() -> None:
    port = free_port()
    late = Served(Engine(f"http://127.0.0.1:{port}", patience_s=20), MODEL)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(late.ask, WARM, 1)
        time.sleep(0.3)
        with FakeEngine(port=port):
            [reply] = asked.result()
    assert reply.text


def test_a_choice_that_is_missing_is_no_answer() -> None:
    class Short(FakeEngine):
        def complete(self, body: dict[str, object], bearer: str) -> tuple[int, dict[str, object]]:
            status, answer = super().complete(body, bearer)
            assert isinstance(answer["choices"], list)
            return status, {"choices": answer["choices"][:1]}

    with Short() as short, pytest.raises(RequestsFailed, match="1 choices where 2"):
        Served(Engine(short.url, patience_s=5.0, tries=2), MODEL).ask(replace(WARM, n=2), seed=1)


def test_a_request_that_alone_keeps_failing_is_given_up_without_blaming_the_engine(
    fake: FakeEngine, served: Served
) -> None:
    fake.fails = lambda asked: 500
    patient = replace(served, engine=replace(served.engine, patience_s=60.0, tries=3))
    with pytest.raises(RequestsFailed, match="failed 3 times while others were answered: HTTP 500"):
        patient.ask(WARM, seed=1)


def test_a_full_engine_is_asked_with_fewer_at_once_until_all_are_answered(fake: FakeEngine) -> None:
    fake.hold_s, fake.most_open = 0.02, 3

    async def ask_all() -> None:
        async with Chat(Engine(fake.url, key="secret", in_flight=12, tries=1)) as chat:
            await asyncio.gather(*(chat.ask(MODEL, image_uri("red"), "?", WARM, seed) for seed in range(60)))

    asyncio.run(ask_all())
    assert sorted(asked.seed for asked in fake.asked) == list(range(60))


def test_a_schema_is_sent_where_the_engine_keeps_to_it_and_refused_clearly_elsewhere(fake: FakeEngine) -> None:
    async def ask() -> tuple[Reply, ...]:
        async with Chat(Engine(fake.url, key="secret")) as chat:
            return await chat.ask(MODEL, image_uri("red"), "?", WARM, 1, schema={"type": "array"})

    with pytest.raises(NoStructure, match="cannot keep to a JSON schema"):
        asyncio.run(ask())
    fake.keeps_to_schemas = True
    assert len(asyncio.run(ask())) == 1
    assert fake.asked[-1].has_schema


def test_no_more_requests_are_open_than_allowed_and_all_slots_are_used(fake: FakeEngine) -> None:
    fake.hold_s = 0.1
    engine = Engine(fake.url, key="secret", in_flight=5)

    async def ask_all() -> None:
        async with Chat(engine) as chat:
            asked = (chat.ask(MODEL, image_uri("red"), "?", Sampling(1, 0.5, 1.0, 9), seed) for seed in range(20))
            await asyncio.gather(*asked)

    asyncio.run(ask_all())
    assert fake.open_most == 5
    assert len(fake.asked) == 20
