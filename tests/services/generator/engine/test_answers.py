"""What the server answers, against plain transformers on the same model."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from tests.services.generator.engine.serving import QUESTION, ask, asking, figures, picture, texts

Plain = tuple[Any, Any]


@pytest.fixture(scope="module")
def plain(model: Path) -> Plain:
    return AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32), AutoProcessor.from_pretrained(model)


def plain_inputs(plain: Plain, image: bytes, question: str = QUESTION) -> Any:
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
    text = plain[1].apply_chat_template(chat, add_generation_prompt=True)
    return plain[1](text=text, images=Image.open(io.BytesIO(image)), add_special_tokens=False, return_tensors="pt")


def mixed_requests() -> list[dict[str, Any]]:
    return [
        asking(
            picture(i % 5),
            f"{QUESTION} " * (1 + i % 4),
            seed=i,
            temperature=(0.7, 1.0, 0.0)[i % 3],
            top_p=(1.0, 0.6)[i % 2],
            max_tokens=5 + i % 17,
            n=1 + i % 2,
        )
        for i in range(40)
    ]


def test_seeded_answers_are_the_same_alone_and_in_any_company(client: httpx.Client) -> None:
    requests = mixed_requests()
    alone = [text for request in requests for text in texts(ask(client, request))]
    batches = figures(client)["selfsynth_engine_batch_rows_count"]
    with ThreadPoolExecutor(len(requests)) as pool:
        responses = list(pool.map(lambda request: ask(client, request), reversed(requests)))
    together = [text for response in reversed(responses) for text in texts(response)]
    same = sum(a == b for a, b in zip(alone, together, strict=True))
    assert same >= 0.99 * len(alone)
    assert figures(client)["selfsynth_engine_batch_rows_count"] < batches + len(requests)


def test_greedy_answers_equal_plain_generate_token_for_token(client: httpx.Client, plain: Plain) -> None:
    for number, question in enumerate((QUESTION, "Is it red?", f"{QUESTION} Say why.")):
        inputs = plain_inputs(plain, picture(number), question)
        ids = plain[0].generate(**inputs, max_new_tokens=24, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        expected = plain[1].decode(ids, skip_special_tokens=True).strip()
        request = asking(picture(number), question, temperature=0, max_tokens=24)
        assert texts(ask(client, request)) == [expected]


def test_logprobs_equal_a_direct_forward_pass(client: httpx.Client, plain: Plain) -> None:
    request = asking(picture(0), temperature=0, logprobs=True, max_tokens=8)
    content = ask(client, request).json()["choices"][0]["logprobs"]["content"]
    inputs = plain_inputs(plain, picture(0))
    ids = plain[0].generate(**inputs, max_new_tokens=8, do_sample=False)
    with torch.inference_mode():
        logits = plain[0](**{**inputs, "input_ids": ids, "attention_mask": torch.ones_like(ids)}).logits[0]
    start = inputs["input_ids"].shape[1]
    expected = logits.log_softmax(-1)[start - 1 : -1].gather(1, ids[0, start:, None])[:, 0]
    assert torch.allclose(torch.tensor([token["logprob"] for token in content]), expected, atol=1e-4)
    assert "".join(token["token"] for token in content).strip() == plain[1].decode(ids[0, start:]).strip()


def test_top_logprobs_are_the_likeliest_and_a_greedy_token_is_the_first(client: httpx.Client) -> None:
    request = asking(picture(0), temperature=0, logprobs=True, top_logprobs=3, max_tokens=4)
    for token in ask(client, request).json()["choices"][0]["logprobs"]["content"]:
        likeliest = [other["logprob"] for other in token["top_logprobs"]]
        assert len(likeliest) == 3
        assert likeliest == sorted(likeliest, reverse=True)
        assert likeliest[0] == token["logprob"]


def test_an_answer_ends_before_the_first_stop_string(client: httpx.Client) -> None:
    request = asking(picture(0), temperature=0, max_tokens=24)
    whole = ask(client, request).json()
    text = whole["choices"][0]["message"]["content"]
    stops = [text[3], text[1]]
    answer = ask(client, {**request, "stop": stops}).json()
    assert answer["choices"][0]["message"]["content"] == text[:1]
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] < whole["usage"]["completion_tokens"] == 24
    unsaid = ask(client, {**request, "stop": "never said"}).json()
    assert unsaid["choices"] == whole["choices"]


def test_a_request_whose_client_has_gone_leaves_the_batch(client: httpx.Client) -> None:
    name, rows, limit = "selfsynth_engine_generated_tokens_total", 64, 400
    before = figures(client)[name]
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/chat/completions", json=asking(None, "Hello", n=rows, max_tokens=limit), timeout=0.2)
    ask(client, asking(None, "Hello", max_tokens=1))
    assert figures(client)[name] - before < rows * limit
    assert figures(client)['selfsynth_engine_requests_total{status="499"}'] == 1


def test_samples_of_one_request_differ_and_come_again_with_the_seed(client: httpx.Client) -> None:
    request = asking(picture(1), n=4, temperature=1.0)
    first = texts(ask(client, request))
    assert len(set(first)) == 4
    assert texts(ask(client, request)) == first
    assert set(texts(ask(client, {**request, "seed": 2}))).isdisjoint(first)
    assert texts(ask(client, {**request, "n": 2})) == first[:2]


def test_another_image_gives_another_answer(client: httpx.Client) -> None:
    answers = [texts(ask(client, asking(picture(i), temperature=0, max_tokens=24)))[0] for i in range(6)]
    assert len(set(answers)) > 1


def test_each_row_ends_at_its_own_limit_and_usage_counts(client: httpx.Client, plain: Plain) -> None:
    limits = [3, 9, 20]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda m: ask(client, asking(picture(0), max_tokens=m, n=2)).json(), limits))
    prompt_tokens = plain_inputs(plain, picture(0))["input_ids"].shape[1]
    for limit, answer in zip(limits, answers, strict=True):
        assert {choice["finish_reason"] for choice in answer["choices"]} == {"length"}
        tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": 2 * limit}
        assert answer["usage"] == {**tokens, "total_tokens": prompt_tokens + 2 * limit}


def test_a_text_without_an_image_is_answered(client: httpx.Client) -> None:
    assert len(texts(ask(client, {**asking(None), "messages": [{"role": "user", "content": "Hello"}]}))) == 1
