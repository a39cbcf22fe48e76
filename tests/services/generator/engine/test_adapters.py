"""Adapters by name, against peft applied directly."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.generator.engine.adapters import LoadedAdapters
from services.generator.engine.prompt import PromptReader
from shared.errors import InvalidInput
from tests.services.generator.engine.serving import ask, asking, figures, messages, picture, point, publish, texts


def greedy(client: httpx.Client, name: str) -> list[str]:
    requests = [asking(picture(i), temperature=0, max_tokens=24, model=name) for i in range(4)]
    return [texts(ask(client, request))[0] for request in requests]


def test_an_adapter_answers_as_peft_applied_directly_and_the_base_stays_itself(
    client: httpx.Client, model: Path, store: Path
) -> None:
    folder = publish(model, store, "j-r1")
    before, adapted, after = greedy(client, "base"), greedy(client, "j-r1"), greedy(client, "base")
    assert before == after
    assert before != adapted
    direct = PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32), folder)
    processor = AutoProcessor.from_pretrained(model)
    for i, answer in enumerate(adapted):
        prompt = PromptReader(processor, 10**6).read(messages(picture(i)))
        ids = torch.tensor([prompt.ids])
        out = direct.generate(input_ids=ids, **prompt.pixels, max_new_tokens=24, do_sample=False)
        assert processor.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip() == answer
    assert [entry["id"] for entry in client.get("/v1/models").json()["data"]] == ["base", "j-r1"]


def test_the_metrics_tell_whether_an_adapter_was_here(client: httpx.Client, model: Path, store: Path) -> None:
    publish(model, store, "counted")
    before = figures(client)
    for _ in range(3):
        texts(ask(client, asking(picture(0), max_tokens=1, model="counted")))
    added = {cache: f'selfsynth_engine_adapters_total{{cache="{cache}"}}' for cache in ("hit", "miss")}
    after = figures(client)
    assert {cache: after[name] - before.get(name, 0) for cache, name in added.items()} == {"hit": 2, "miss": 1}


def test_an_adapter_of_the_projector_alone_changes_answers(client: httpx.Client, model: Path, store: Path) -> None:
    publish(model, store, "projector", targets=r".*multi_modal_projector\.linear_[12]")
    assert greedy(client, "base") != greedy(client, "projector")


@pytest.mark.parametrize("name", ["nobody", "../base", "a/b", ""])
def test_an_unknown_model_is_404(client: httpx.Client, name: str) -> None:
    response = ask(client, asking(picture(0), model=name))
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert repr(name) in response.json()["error"]["message"]


def test_an_adapter_whose_keys_match_nothing_is_refused_by_name(client: httpx.Client, model: Path, store: Path) -> None:
    folder = publish(model, store, "renamed", seed=2)
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({k.replace("layers.0", "layers.7"): v for k, v in weights.items()}, folder / "adapter_model.safetensors")
    point(store, "renamed", "jobs/j/renamed")
    before = greedy(client, "base")
    response = ask(client, asking(picture(0), model="renamed"))
    assert response.status_code == 400
    assert "layers.7" in response.json()["error"]["message"]
    assert greedy(client, "base") == before


def test_an_adapter_whose_targets_match_no_module_is_refused(client: httpx.Client, model: Path, store: Path) -> None:
    folder = publish(model, store, "elsewhere", seed=3)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ".*no_such_module"}))
    assert ask(client, asking(picture(0), model="elsewhere")).status_code == 400


def test_an_adapter_of_another_base_model_is_refused(client: httpx.Client, model: Path, store: Path) -> None:
    publish(model, store, "foreign")
    point(store, "foreign", "jobs/j/foreign", base_model="other")
    response = ask(client, asking(picture(0), model="foreign"))
    assert response.status_code == 400
    assert "'other'" in response.json()["error"]["message"]


def test_files_that_differ_from_their_hash_are_500(client: httpx.Client, model: Path, store: Path) -> None:
    folder = publish(model, store, "torn", seed=5)
    with (folder / "adapter_model.safetensors").open("ab") as file:
        file.write(b"more")
    response = ask(client, asking(picture(0), model="torn"))
    assert response.status_code == 500
    assert "'torn'" in response.json()["error"]["message"]


def test_a_concurrent_first_use_loads_once(client: httpx.Client, model: Path, store: Path) -> None:
    publish(model, store, "popular", seed=4)
    requests = [asking(picture(i % 3), model="popular", seed=i) for i in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert all(response.status_code == 200 for response in pool.map(lambda r: ask(client, r), requests))
    names = [entry["id"] for entry in client.get("/v1/models").json()["data"]]
    assert names.count("popular") == 1


def test_the_least_recently_used_adapter_is_dropped_and_can_come_back(model: Path, store: Path) -> None:
    base = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32)
    weight = base.model.language_model.layers[0].self_attn.q_proj.weight
    untouched = weight.detach().clone()
    adapters = LoadedAdapters(base, limit=2)
    folders = {name: publish(model, store, name, seed=i) for i, name in enumerate(("one", "two", "three"))}
    merged = {}
    for name in ("one", "two", "one", "three", "one", "two"):
        adapters.activate(name, folders[name])
        assert torch.equal(merged.setdefault(name, weight.detach().clone()), weight)
    assert (adapters.names, adapters.loads) == (["one", "two"], 4)
    adapters.activate(None, None)
    assert torch.equal(weight, untouched)


def test_more_than_plain_lora_is_refused(model: Path, store: Path) -> None:
    folder = publish(model, store, "dora")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "use_dora": True}))
    adapters = LoadedAdapters(AutoModelForImageTextToText.from_pretrained(model), limit=2)
    with pytest.raises(InvalidInput, match="plain LoRA"):
        adapters.activate("dora", folder)
