"""Real vLLM behind our launcher: it agrees with peft token for token, and serves adapters by name from the store."""

import asyncio
import base64
import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from peft import PeftModel
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.generator.chat import Chat, Engine
from services.generator.engine.prompt import PromptReader
from services.generator.wire import Read
from tests.models import lora_targets
from tests.services.generator.chat_contract import ChatContract, Served
from tests.services.generator.engine.serving import ask, asking, messages, picture, point, publish, texts
from tests.vllm_server import DEMO_BASE, KEY, Vllm

ALL_LAYERS = lora_targets(DEMO_BASE)
_QUESTIONS = ("Describe this bird.", "What bird is this? Tell what shows it.")
_TOKENS = 24


@pytest.fixture(scope="module")
def client(vllm: Vllm) -> Any:
    with vllm.client() as client:
        yield client


def adapter(vllm: Vllm, name: str, seed: int = 0, **how: Any) -> Path:
    return publish(vllm.model, vllm.store, name, **{"targets": ALL_LAYERS, "std": 0.3, **how}, seed=seed)


def greedy(client: httpx.Client, model: str, image: bytes, text: str) -> dict[str, Any]:
    request = asking(image, text, model=model, temperature=0, max_tokens=_TOKENS, logprobs=True, return_token_ids=True)
    response = ask(client, request)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def logprobs(answer: dict[str, Any]) -> list[float]:
    return [place["logprob"] for place in answer["choices"][0]["logprobs"]["content"]]


def by_peft(module: Any, processor: Any, image: bytes, text: str) -> tuple[list[int], list[int], list[float]]:
    """The prompt's ids, the answer's and their log-probabilities."""
    prompt = PromptReader(processor, 10**6).read(messages(image, text))
    ids = torch.tensor([prompt.ids])
    how = {"do_sample": False, "return_dict_in_generate": True, "output_logits": True}
    out = module.generate(input_ids=ids, **prompt.pixels, max_new_tokens=_TOKENS, **how)
    answer = out.sequences[0, ids.shape[1] :].tolist()
    own = [float(place[0].log_softmax(-1)[token]) for place, token in zip(out.logits, answer, strict=True)]
    return list(prompt.ids), answer, own


@pytest.mark.parametrize("name", ["base", "agree-r1", "projector-r1"])
def test_greedy_answers_agree_with_peft_token_for_token(vllm: Vllm, client: httpx.Client, name: str) -> None:
    module: Any = AutoModelForImageTextToText.from_pretrained(vllm.model, dtype=torch.float32)
    if name != "base":
        targets = ALL_LAYERS if name == "agree-r1" else r".*multi_modal_projector\.linear_[12]"
        module = PeftModel.from_pretrained(module, str(adapter(vllm, name, seed=1, targets=targets)))
    processor = AutoProcessor.from_pretrained(vllm.model)
    for number, text in enumerate(_QUESTIONS):
        prompt, answer, own = by_peft(module, processor, picture(number), text)
        served = greedy(client, name, picture(number), text)
        assert served["prompt_token_ids"] == prompt
        assert prompt[0] == processor.tokenizer.bos_token_id
        assert served["choices"][0]["token_ids"] == answer
        assert logprobs(served) == pytest.approx(own, abs=1e-4)


def test_the_beginning_of_an_answer_is_read_as_transformers_reads_it(vllm: Vllm) -> None:
    """What class probabilities are made of: the very tokens, each with its log-probability."""
    module: Any = AutoModelForImageTextToText.from_pretrained(vllm.model, dtype=torch.float32).eval()
    reader = PromptReader(AutoProcessor.from_pretrained(vllm.model), 10**6)
    said = "This is a Mellow Finch."
    asked = [*messages(picture(1), _QUESTIONS[1]), {"role": "assistant", "content": said}]
    prompt = reader.read(asked, generation_prompt=False, continues=True)
    with torch.inference_mode():
        own = module(input_ids=torch.tensor([prompt.ids]), **prompt.pixels).logits[0].log_softmax(-1)
    image = "data:image/png;base64," + base64.b64encode(picture(1)).decode()

    async def read() -> Read:
        async with Chat(Engine(vllm.url, key=KEY)) as chat:
            return await chat.read("base", image, _QUESTIONS[1], said)

    served = asyncio.run(read())
    assert [token for token, _ in served] == list(prompt.ids[1:])
    ours = [float(own[place, token]) for place, token in enumerate(prompt.ids[1:])]
    assert [value for _, value in served][-12:] == pytest.approx(ours[-12:], abs=1e-3)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("all-r1", ALL_LAYERS),
        ("connector-r1", r".*multi_modal_projector\.linear_[12]"),
        ("keys-r1", r".*language_model.*k_proj"),
    ],
)
def test_no_part_of_an_adapter_is_ignored(vllm: Vllm, client: httpx.Client, name: str, targets: str) -> None:
    adapter(vllm, name, seed=2, targets=targets)
    base, adapted = (logprobs(greedy(client, model, picture(3), _QUESTIONS[0])) for model in ("base", name))
    # Ten times what agreement with peft allows.
    assert max(abs(one - other) for one, other in zip(base, adapted, strict=False)) > 1e-3


def test_an_adapter_is_found_by_its_name_alone_and_listed_once(vllm: Vllm, client: httpx.Client) -> None:
    adapter(vllm, "popular-r1", seed=3)
    requests = [asking(picture(i % 3), model="popular-r1", seed=i) for i in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert all(response.status_code == 200 for response in pool.map(lambda r: ask(client, r), requests))
    names = [entry["id"] for entry in client.get("/v1/models").json()["data"]]
    assert names.count("popular-r1") == 1


def test_more_adapters_than_the_cache_holds_come_and_go_and_stay_themselves(vllm: Vllm, client: httpx.Client) -> None:
    names = [f"many-r{i}" for i in range(5)]
    for seed, name in enumerate(names):
        adapter(vllm, name, seed=10 + seed)
    first: dict[str, list[float]] = {}
    for name in (*names, *names):
        time.sleep(0.2)
        said = logprobs(greedy(client, name, picture(1), _QUESTIONS[0]))
        assert said == pytest.approx(first.setdefault(name, said), abs=1e-4)
    assert len({tuple(said) for said in first.values()}) == len(names)
    kept = [folder.name for folder in (vllm.store.parent / "cache" / "adapters").iterdir()]
    assert len(kept) <= 4, kept
    listed = {entry["id"] for entry in client.get("/v1/models").json()["data"]} - {"base"}
    assert listed <= set(kept), "vLLM knows an adapter whose files are gone"


def test_many_adapters_asked_for_at_once_all_answer(vllm: Vllm, client: httpx.Client) -> None:
    names = [f"crowd-r{i}" for i in range(5)]
    for seed, name in enumerate(names):
        adapter(vllm, name, seed=20 + seed)
    requests = [asking(picture(i), model=names[i % 5], temperature=0) for i in range(30)]
    with ThreadPoolExecutor(15) as pool:
        together = [texts(response) for response in pool.map(lambda r: ask(client, r), requests)]
    assert together == [texts(ask(client, request)) for request in requests]


@pytest.mark.parametrize("name", ["nobody", "nobody-r1", "../base", "a/b"])
def test_an_unknown_model_is_404(client: httpx.Client, name: str) -> None:
    response = ask(client, asking(picture(0), model=name))
    assert response.status_code == 404
    assert name in response.json()["error"]["message"]


def test_an_adapter_of_another_base_model_is_refused_with_the_reason(vllm: Vllm, client: httpx.Client) -> None:
    adapter(vllm, "foreign")
    point(vllm.store, "foreign", "jobs/j/foreign", base_model="other")
    refused(client, "foreign", 400, "trained on 'other'")


def test_an_adapter_that_differs_from_its_hash_is_refused_with_the_reason(vllm: Vllm, client: httpx.Client) -> None:
    with (adapter(vllm, "torn") / "adapter_model.safetensors").open("ab") as file:
        file.write(b"more")
    refused(client, "torn", 500, "differ from their hash")


def test_a_rank_above_what_is_served_is_refused_with_the_reason(vllm: Vllm, client: httpx.Client) -> None:
    adapter(vllm, "high", rank=16, targets=r".*language_model.*q_proj")
    refused(client, "high", 400, "rank is 16, at most 8")


def test_weights_that_no_served_layer_takes_are_refused_with_the_reason(vllm: Vllm, client: httpx.Client) -> None:
    adapter(vllm, "tower", targets=r".*vision_tower.*q_proj")
    refused(client, "tower", 400, "no layer is served for base_model.model.model.vision_tower")


def refused(client: httpx.Client, name: str, status: int, why: str) -> None:
    response = ask(client, asking(picture(0), model=name))
    assert response.status_code == status
    assert why in response.json()["error"]["message"]
    assert ask(client, asking(picture(0))).status_code == 200


@pytest.mark.parametrize("path", ["/tokenize", "/invocations", "/v1/load_lora_adapter", "/v1/completions", "/adapters"])
def test_what_no_step_needs_is_closed(client: httpx.Client, path: str) -> None:
    assert client.post(path, json={"lora_name": "x", "lora_path": "/"}).status_code == 404


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}])
def test_without_the_key_nothing_is_said(vllm: Vllm, header: dict[str, str]) -> None:
    for path in ("/v1/models", "/version"):
        assert httpx.get(vllm.url + path, headers=header).status_code == 401
    assert httpx.post(f"{vllm.url}/v1/chat/completions", json=asking(None), headers=header).status_code == 401
    assert httpx.get(f"{vllm.url}/health", headers=header).status_code == 200


def test_an_image_of_too_many_pixels_is_refused(client: httpx.Client) -> None:
    sink = io.BytesIO()
    Image.new("RGB", (1001, 1000)).save(sink, "PNG")
    assert ask(client, asking(sink.getvalue())).status_code == 400
    assert ask(client, asking(picture(0))).status_code == 200


def test_images_come_as_data_only_and_not_too_many(client: httpx.Client) -> None:
    request = asking(picture(0))
    parts = request["messages"][0]["content"]
    request["messages"][0]["content"] = [parts[0]] * 3 + parts[1:]
    assert ask(client, request).status_code == 400
    parts[0]["image_url"]["url"] = "http://127.0.0.1:1/bird.png"
    response = ask(client, asking(None) | {"messages": [{"role": "user", "content": parts}]})
    assert response.status_code == 400
    assert "allowed domains" in response.text


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"model": 1}', b'{"messages": []}', b"\xff"])
def test_a_body_that_is_no_request_is_the_users_fault(client: httpx.Client, body: bytes) -> None:
    response = client.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 404, 422)


class TestVllm(ChatContract):
    """vLLM keeps the contract that the steps were written for."""

    @pytest.fixture
    def served(self, vllm: Vllm) -> Served:
        # The base is too sure of itself for another seed to change a word.
        if not (vllm.store / "adapters" / "unsure-r1.json").exists():
            adapter(vllm, "unsure-r1", seed=5, std=1.0)
        return Served(Engine(vllm.url, key=KEY, patience_s=5.0), "unsure-r1")
