"""An endpoint that answers well, badly, late or not at all."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from pydantic import SecretStr

from services.api.concepts.prompt import SCHEMA
from shared.endpoints.asking import Asker, Endpoint, EndpointRefuses, EndpointUnavailable
from shared.endpoints.wire import retry_after
from shared.types.concept_job import AskSettings
from tests.ports import free_port
from tests.shared.endpoints.endpoint_contract import BRISK, QUESTION, EndpointContract, Reached
from tests.shared.endpoints.fake_endpoint import MODEL, Asked, Failure, FakeEndpoint, concepts_for

KEY = "sk-the-key"


def says(asked: Asked) -> str:
    content = asked.body["messages"][-1]["content"]
    return content if content.startswith("say") else concepts_for(asked)


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    with FakeEndpoint(says, key=KEY) as endpoint:
        yield endpoint


@pytest.fixture
def reached(fake: FakeEndpoint) -> Reached:
    return Reached(Endpoint(fake.base_url, MODEL, SecretStr(KEY)))


class TestFakeEndpoint(EndpointContract):
    """The fake endpoint keeps the contract."""


@pytest.mark.parametrize(
    "failure",
    [
        Failure(500),
        Failure(503, body="<html>gateway</html>"),
        Failure(429),
        Failure(408),
        Failure(drop=True),
        Failure(200, body="no json"),
        Failure(200, body='{"choices": []}'),
        Failure(200, body="[" * 50_000),
        Failure(200, body=" " * 1_200_000),
    ],
    ids=lambda failure: f"{failure.status}-{failure.body[:10]}",
)
def test_what_may_pass_is_tried_again(fake: FakeEndpoint, reached: Reached, failure: Failure) -> None:
    fake.failures = [failure]
    assert "concepts" in reached.ask().text
    assert len(fake.asked) == 2


@pytest.mark.parametrize("usage", ["null", "[]", '{"prompt_tokens": 1e999}', '{"prompt_tokens": -7}', "7"])
def test_a_cost_that_is_none_is_no_cost(fake: FakeEndpoint, reached: Reached, usage: str) -> None:
    body = '{"choices": [{"message": {"content": "x"}}], "usage": ' + usage + "}"
    fake.failures = [Failure(200, body=body)]
    assert reached.ask().prompt_tokens in (0, 10)  # 10: it was no completion at all, and asked for again


def test_the_pause_that_the_endpoint_asks_for_is_kept(fake: FakeEndpoint, reached: Reached) -> None:
    fake.failures = [Failure(429, headers={"Retry-After": "1.2"})]
    reached.ask()
    first, second = fake.asked
    assert second.at - first.at >= 1.2


def test_a_pause_may_be_told_as_a_date_and_may_be_nonsense() -> None:
    in_an_hour = retry_after({"retry-after": formatdate(time.time() + 3600, usegmt=True)})
    assert in_an_hour is not None
    assert 3000 < in_an_hour <= 3600
    assert [retry_after({"retry-after": said}) for said in ("soon", "", "-1", "²", "nan")] == [None] * 5
    assert retry_after({}) is None


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_the_users_fault_and_not_repeated(fake: FakeEndpoint, reached: Reached, status: int) -> None:
    fake.failures = [Failure(status)]
    with pytest.raises(EndpointRefuses, match=f"HTTP {status}") as raised:
        reached.ask()
    assert (raised.value.fault, len(fake.asked)) == ("user", 1)


def test_an_account_without_money_is_not_asked_again(fake: FakeEndpoint, reached: Reached) -> None:
    fake.failures = [Failure(429, body=json.dumps({"error": {"message": "no", "code": "insufficient_quota"}}))]
    with pytest.raises(EndpointRefuses, match="HTTP 429"):
        reached.ask()


def test_an_endpoint_that_keeps_failing_or_is_gone_is_unavailable(fake: FakeEndpoint, reached: Reached) -> None:
    fake.failures = [Failure(500, body=f"the key was {KEY}")] * 50
    with pytest.raises(EndpointUnavailable, match="HTTP 500") as raised:
        reached.ask(patience_s=0.3)
    assert KEY not in str(raised.value)
    gone = Reached(Endpoint(f"http://127.0.0.1:{free_port()}/v1", MODEL))
    with pytest.raises(EndpointUnavailable, match="ConnectError"):
        gone.ask(patience_s=0.3)


def test_an_endpoint_that_hangs_is_left(fake: FakeEndpoint, reached: Reached) -> None:
    fake.hold_s = 3.0
    with pytest.raises(EndpointUnavailable, match="no answer within"):
        reached.ask(request_s=0.2, patience_s=0.3)


def test_a_redirect_is_not_followed(fake: FakeEndpoint, reached: Reached) -> None:
    fake.failures = [Failure(307, headers={"Location": "http://127.0.0.1:1/steal"})]
    with pytest.raises(EndpointRefuses, match="HTTP 307"):
        reached.ask()


def test_structured_output_is_asked_for_and_left_out_where_it_is_refused(reached: Reached, fake: FakeEndpoint) -> None:
    reached.ask()
    assert fake.asked[-1].body["response_format"]["json_schema"]["strict"] is True
    fake.refused = ("response_format", "temperature", "seed", "max_tokens")
    assert "concepts" in reached.ask().text
    last = fake.asked[-1].body
    assert not set(fake.refused) & last.keys()
    assert last["max_completion_tokens"] == 64


def test_what_was_refused_once_is_not_sent_again(fake: FakeEndpoint, reached: Reached) -> None:
    fake.refused = ("response_format",)

    async def ask_twice() -> None:
        async with Asker(reached.endpoint, AskSettings.model_validate(BRISK), SCHEMA) as asker:
            for seed in range(2):
                await asker.ask(QUESTION, seed)

    asyncio.run(ask_twice())
    assert ["response_format" in asked.body for asked in fake.asked] == [True, False, False]


def test_a_request_that_is_refused_whatever_is_left_out_ends(fake: FakeEndpoint, reached: Reached) -> None:
    fake.refused = ("messages",)
    with pytest.raises(EndpointRefuses, match="HTTP 400"):
        reached.ask()
    assert len(fake.asked) <= 4


def ask_many(endpoint: Endpoint, count: int, **settings: Any) -> None:
    async def ask_all() -> None:
        async with Asker(endpoint, AskSettings.model_validate(BRISK | settings), SCHEMA) as asker:
            await asyncio.gather(*(asker.ask(QUESTION, seed) for seed in range(count)))

    asyncio.run(ask_all())


def test_no_more_questions_are_open_than_allowed(fake: FakeEndpoint, reached: Reached) -> None:
    fake.hold_s = 0.05
    ask_many(reached.endpoint, 12, in_flight=3)
    assert fake.open_most == 3


def test_no_more_questions_are_asked_in_a_minute_than_allowed(fake: FakeEndpoint, reached: Reached) -> None:
    ask_many(reached.endpoint, 6, requests_per_minute=600, in_flight=6)
    spread_s = fake.asked[-1].at - fake.asked[0].at
    assert spread_s >= 0.4  # five gaps of 0.1 s


def test_without_a_key_none_is_sent(fake: FakeEndpoint, reached: Reached) -> None:
    fake.key = ""
    replace(reached, endpoint=Endpoint(fake.base_url, MODEL)).ask()
    assert "authorization" not in fake.asked[-1].headers
