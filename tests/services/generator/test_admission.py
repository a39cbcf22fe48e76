import asyncio

import aiohttp
import pytest

from services.generator.admission import Admission, Proof
from services.generator.chat import Chat, Engine, Sampling
from services.generator.patience import Lost
from shared.errors import SystemFault
from tests.services.generator.chat_contract import image_uri
from tests.services.generator.fake_engine import MODEL, FakeEngine

_ONE = Sampling(n=1, temperature=0.0, top_p=1.0, max_tokens=20)


class Proving:
    """A proof that takes its outcomes from a list, the last one for ever."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.urls: list[str] = []

    async def __call__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.urls.append(url)
        await asyncio.sleep(0.01)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is not None:
            raise outcome


def ask(fake: FakeEngine, proof: Proof, count: int = 1) -> None:
    async def ask_all() -> None:
        async with Chat(Engine(fake.url, patience_s=5.0, proof=proof)) as chat:
            await asyncio.gather(*(chat.ask(MODEL, image_uri("red"), "?", _ONE, k) for k in range(count)))

    asyncio.run(ask_all())


def test_many_requests_wait_for_one_proof() -> None:
    proving = Proving(None)
    with FakeEngine() as fake:
        ask(fake, proving, count=20)
        assert (proving.urls, len(fake.asked)) == ([fake.url], 20)


def test_where_the_proof_fails_nothing_is_asked_and_its_reason_is_told() -> None:
    with FakeEngine() as fake:
        with pytest.raises(SystemFault, match="another model"):
            ask(fake, Proving(SystemFault("another model", remedy="Serve the right one.")), count=20)
        assert not fake.asked


def test_a_replica_that_gives_no_answer_to_the_proof_is_proven_again() -> None:
    proving = Proving(Lost("away"), Lost("away"), None)
    with FakeEngine() as fake:
        ask(fake, proving)
    assert len(proving.urls) == 3


def test_a_replica_that_lost_a_request_is_proven_again_and_another_is_not() -> None:
    async def follow() -> list[str]:
        proving = Proving(None)
        async with aiohttp.ClientSession() as http:
            admission = Admission(proving, http)
            for url in ("a", "b", "a"):
                await admission.of(url)
            admission.forget("a")
            for url in ("a", "b"):
                await admission.of(url)
        return proving.urls

    assert asyncio.run(follow()) == ["a", "b", "a"]


def test_a_request_that_is_lost_has_its_replica_proven_anew() -> None:
    proving = Proving(None)
    with FakeEngine(hold_s=0.5) as fake:

        async def follow() -> None:
            async with Chat(Engine(fake.url, patience_s=5.0, request_s=0.1, proof=proving)) as chat:
                asking = asyncio.create_task(chat.ask(MODEL, image_uri("red"), "?", _ONE, 0))
                await asyncio.sleep(0.3)
                fake.hold_s = 0.0
                await asking

        asyncio.run(follow())
    assert len(proving.urls) > 1
