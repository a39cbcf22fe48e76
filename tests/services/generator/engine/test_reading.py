"""Prompts that are read for their log-probabilities, held against transformers itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.generator.engine.prompt import PromptReader
from tests.models import tiny_llava
from tests.services.generator.engine.serving import ask, asking, messages, picture, publish, serving, texts

SAID = ("It is a red finch.", "It is a red finch with a long tail.", "wings")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reading")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    with serving(tiny_llava(folder / "model"), folder / "store") as client:
        yield client


def reading(said: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        **asking(picture(number), **fields),
        "messages": [*messages(picture(number)), {"role": "assistant", "content": said}],
        "add_generation_prompt": False, "continue_final_message": True, "prompt_logprobs": 0, "max_tokens": 1,
        "temperature": 0, **fields,
    }  # fmt: skip


def told(response: httpx.Response) -> list[tuple[int, float]]:
    assert response.status_code == 200, response.text
    first, *places = response.json()["prompt_logprobs"]
    assert first is None
    return [(int(token), value["logprob"]) for place in places for token, value in place.items()]


def by_transformers(folder: Path, said: str, adapter: Path | None = None) -> tuple[list[int], list[float]]:
    module: Any = AutoModelForImageTextToText.from_pretrained(folder / "model", dtype=torch.float32).eval()
    if adapter:
        module = PeftModel.from_pretrained(module, adapter)
    reader = PromptReader(AutoProcessor.from_pretrained(folder / "model"), 10**6)
    prompt = reader.read(
        [*messages(picture(1)), {"role": "assistant", "content": said}], generation_prompt=False, continues=True
    )
    with torch.inference_mode():
        logits = module(input_ids=torch.tensor([prompt.ids]), **prompt.pixels).logits[0].log_softmax(-1)
    return list(prompt.ids), [float(logits[place, token]) for place, token in enumerate(prompt.ids[1:])]


def test_each_tokens_log_probability_is_that_of_transformers(client: httpx.Client, folder: Path) -> None:
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda said: ask(client, reading(said)), SAID))
    for said, answer in zip(SAID, answers, strict=True):
        ids, values = by_transformers(folder, said)
        assert [token for token, _ in told(answer)] == ids[1:]
        assert [value for _, value in told(answer)] == pytest.approx(values, abs=1e-4)


def test_an_adapter_reads_as_peft_does(client: httpx.Client, folder: Path) -> None:
    adapter = publish(folder / "model", folder / "store", "job_a-r1", std=0.5)
    values = by_transformers(folder, SAID[0], adapter)[1]
    assert [v for _, v in told(ask(client, reading(SAID[0], model="job_a-r1")))] == pytest.approx(values, abs=1e-3)
    assert values != pytest.approx(by_transformers(folder, SAID[0])[1], abs=1e-3)


def test_the_token_that_comes_with_it_is_the_likeliest_next_one(client: httpx.Client) -> None:
    plain = {name: value for name, value in reading(SAID[0]).items() if name != "prompt_logprobs"}
    assert texts(ask(client, reading(SAID[0]))) == texts(ask(client, plain))
    assert "prompt_logprobs" not in ask(client, plain).json()


def test_reading_and_speaking_share_a_batch(client: httpx.Client) -> None:
    alone = texts(ask(client, asking(picture(2)))), told(ask(client, reading(SAID[1])))
    with ThreadPoolExecutor() as pool:
        spoken, read = pool.map(lambda body: ask(client, body), (asking(picture(2)), reading(SAID[1])))
    assert texts(spoken) == alone[0]
    assert [v for _, v in told(read)] == pytest.approx([v for _, v in alone[1]], abs=1e-4)


@pytest.mark.parametrize(
    "change", [{"max_tokens": 2}, {"n": 2}, {"temperature": 1}, {"logprobs": True}, {"add_generation_prompt": True}]
)
def test_what_cannot_be_read_is_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    response = ask(client, reading(SAID[0], **change))
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
