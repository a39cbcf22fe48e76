"""What the server refuses, and how it says so."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.services.generator.engine.serving import ask, asking, figures, picture, serving, texts


@pytest.fixture(scope="module")
def strict(model: Path, store: Path) -> Iterator[httpx.Client]:
    with serving(model, store, engine_key="secret", engine_max_queued=2, engine_max_rows=4) as client:
        yield client


def message_of(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return str(error["message"])


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": -0.1},
        {"top_p": 0},
        {"top_p": 1.1},
        {"n": 0},
        {"n": 129},
        {"max_tokens": 0},
        {"max_tokens": 513},
        {"seed": "x"},
        {"top_logprobs": 21},
        {"stop": [""]},
        {"messages": []},
        {"stream": True},
    ],
)
def test_bad_values_are_400_and_named(client: httpx.Client, fields: dict[str, Any]) -> None:
    name = next(iter(fields))
    assert name in message_of(ask(client, {**asking(picture(0)), **fields}))


def test_a_corrupt_image_is_400(client: httpx.Client) -> None:
    assert "decoded" in message_of(ask(client, asking(b"no image")))
    assert "decoded" in message_of(ask(client, asking(picture(0)[:200])))


def test_an_image_of_too_many_pixels_is_400(client: httpx.Client) -> None:
    sink = io.BytesIO()
    Image.new("1", (6000, 5000)).save(sink, "PNG")
    assert "6000x5000" in message_of(ask(client, asking(sink.getvalue())))


def test_an_image_by_address_or_in_broken_base64_is_400(client: httpx.Client) -> None:
    for url in ("https://example.org/bird.png", "data:image/png;base64,@@@", "data:image/png,abc"):
        request = asking(picture(0))
        request["messages"][0]["content"][0]["image_url"]["url"] = url
        message_of(ask(client, request))


def test_a_placeholder_in_a_text_is_400(client: httpx.Client) -> None:
    assert "<image>" in message_of(ask(client, asking(picture(0), "an <image> more")))


def test_prompt_and_answer_beyond_the_positions_are_400_and_up_to_them_are_served(client: httpx.Client) -> None:
    assert "512" in message_of(ask(client, asking(picture(0), "long " * 600)))
    length = ask(client, asking(picture(0), max_tokens=1)).json()["usage"]["prompt_tokens"]
    message_of(ask(client, asking(picture(0), max_tokens=513 - length)))
    answer = ask(client, asking(picture(0), max_tokens=512 - length)).json()
    assert answer["usage"]["total_tokens"] <= 512


def test_a_body_that_is_not_json_is_400(client: httpx.Client) -> None:
    message_of(client.post("/v1/chat/completions", content=b"{"))


def test_a_wrong_key_is_401_and_health_needs_none(strict: httpx.Client) -> None:
    for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        assert strict.get("/v1/models", headers=headers).status_code == 401
        assert strict.post("/v1/chat/completions", json=asking(None), headers=headers).status_code == 401
        assert strict.get("/health", headers=headers).status_code == 200


def test_a_full_queue_is_503_and_those_taken_are_answered(strict: httpx.Client) -> None:
    request = asking(picture(0), max_tokens=200, n=4)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(strict, request), range(16)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert 1 <= len(refused) < 16
    assert "wait" in message_of(refused[0], 503)
    assert len({tuple(texts(answer)) for answer in answers if answer.status_code == 200}) == 1


def test_the_metrics_count_requests_tokens_rows_and_queue(client: httpx.Client) -> None:
    before = figures(client)
    ask(client, asking(picture(0), max_tokens=3, n=2))
    after = figures(client)
    added = {name: value - before.get(name, 0) for name, value in after.items()}
    assert added['selfsynth_engine_requests_total{status="200"}'] == 1
    assert added["selfsynth_engine_generated_tokens_total"] == 6
    assert added["selfsynth_engine_batch_rows_sum"] == 2
    assert after["selfsynth_engine_queue_depth"] == 0
