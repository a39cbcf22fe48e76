"""Real vLLM asked for several models at once: each answers as it does alone. And asked for JSON of a schema."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.generator.chat import Engine, Sampling
from services.generator.steps.view_concepts import SCHEMA
from tests.services.generator.chat_contract import Served
from tests.services.generator.engine.serving import ask, asking, picture, publish
from tests.vllm_server import KEY, Vllm

_IMAGES = range(700, 703)
_WARM = Sampling(n=8, temperature=1.0, top_p=1.0, max_tokens=12)


@pytest.fixture(scope="module")
def adapter(vllm: Vllm) -> str:
    name = "together-r1"
    publish(vllm.model, vllm.store, name, std=0.3, seed=4)
    return name


def logprobs(client: httpx.Client, model: str, image: int) -> list[float]:
    response = ask(client, asking(picture(image), model=model, temperature=0, max_tokens=8, logprobs=True))
    answer: dict[str, Any] = response.json()
    return [place["logprob"] for place in answer["choices"][0]["logprobs"]["content"]]


def test_the_base_beside_an_adapter_answers_as_it_does_alone(vllm: Vllm, adapter: str) -> None:
    """The fixture's server has one slot for adapters: the last one, which vLLM's own code would apply to the base."""
    asked = [(model, image) for image in _IMAGES for model in ("base", adapter)]
    with vllm.client() as client, ThreadPoolExecutor(len(asked)) as pool:
        together = list(pool.map(lambda each: logprobs(client, *each), asked))
        alone = [logprobs(client, *each) for each in asked]
    for said, said_alone in zip(together, alone, strict=True):
        assert said == pytest.approx(said_alone, abs=1e-4)


@pytest.mark.parametrize("model", ["base", "together-r1"])
def test_an_answer_to_a_schema_is_json_of_that_schema(vllm: Vllm, adapter: str, model: str) -> None:
    """Two items are over before the tokens are, whatever the model would rather say."""
    schema = SCHEMA | {"maxItems": 2}
    replies = Served(Engine(vllm.url, key=KEY), model).ask(replace(_WARM, max_tokens=384), seed=1, schema=schema)
    for reply in replies:
        features = json.loads(reply.text)
        assert 1 <= len(features) <= 2
        assert all(re.fullmatch(SCHEMA["items"]["pattern"], feature) for feature in features)


def test_json_begins_at_once_and_goes_on_without_spaces(vllm: Vllm, adapter: str) -> None:
    """Spaces without end are JSON too, and what a small model makes of a schema when they are allowed."""
    served = Served(Engine(vllm.url, key=KEY), adapter)
    replies = served.ask(_WARM, seed=1, schema=SCHEMA)
    assert all(reply.text.startswith('["') for reply in replies), replies
