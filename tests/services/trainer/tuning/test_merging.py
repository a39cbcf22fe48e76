"""Rounds that are merged: what is trained on top of the merged base is, as one adapter, the same on the base itself."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from services.trainer.plan import Plan
from services.trainer.tuning.lora import build_model
from services.trainer.tuning.merging import WEIGHTS, concatenate, merge_into, read_lora
from services.trainer.tuning.tune import tune
from shared.errors import SystemFault
from shared.types.probes import PROBES, Probes
from tests.services.trainer.export.scene import random_adapter
from tests.services.trainer.tuning.test_tune import make_plan


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> list[Path]:
    """Of different ranks and scales."""
    folder = tmp_path_factory.mktemp("adapters")
    shapes = [(4, 8), (8, 8), (2, 7)]
    return [
        random_adapter(tiny_model, folder / str(seed), rank=rank, alpha=alpha, seed=seed, std=0.05)
        for seed, (rank, alpha) in enumerate(shapes)
    ]


def base(model: Path) -> Any:
    return AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32).eval()


def said(model: Any) -> torch.Tensor:
    """Log-probabilities after an image and a few words."""
    torch.manual_seed(3)
    ids = torch.tensor([[1, *[model.config.image_token_id] * 16, 300, 400, 500]])
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=ids, pixel_values=torch.randn(1, 3, 64, 64)).logits
    return logits.log_softmax(-1)


def test_merging_adds_what_peft_adds(tiny_model: Path, adapters: list[Path]) -> None:
    merged = base(tiny_model)
    merge_into(merged, adapters[2])
    by_peft = said(PeftModel.from_pretrained(base(tiny_model), adapters[2]).eval())
    assert (said(merged) - by_peft).abs().max() < 1e-5
    assert (said(merged) - said(base(tiny_model))).abs().max() > 0.1


def test_three_rounds_as_one_adapter_say_what_merged_rounds_say(
    tiny_model: Path, adapters: list[Path], tmp_path: Path
) -> None:
    merged = base(tiny_model)
    merge_into(merged, adapters[0])
    merge_into(merged, adapters[1])
    expected = said(PeftModel.from_pretrained(merged, adapters[2]).eval())
    concatenate(adapters[0], adapters[1], tmp_path / "two")
    concatenate(tmp_path / "two", adapters[2], tmp_path / "three")
    one = PeftModel.from_pretrained(base(tiny_model), tmp_path / "three").eval()
    assert one.peft_config["default"].r == 4 + 8 + 2
    assert (said(one) - expected).abs().max() < 1e-5


def test_adapters_of_different_layers_are_not_put_together(
    tiny_model: Path, adapters: list[Path], tmp_path: Path
) -> None:
    fewer = {key: value for key, value in load_file(adapters[0] / WEIGHTS).items() if "projector" not in key}
    save_file(fewer, tmp_path / WEIGHTS)
    (tmp_path / "adapter_config.json").write_text((adapters[0] / "adapter_config.json").read_text())
    with pytest.raises(SystemFault, match=r"same layers.*projector"):
        concatenate(tmp_path, adapters[1], tmp_path / "out")


@pytest.mark.parametrize("change", [{"use_dora": True}, {"modules_to_save": ["multi_modal_projector"]}])
def test_an_adapter_that_is_more_than_lora_is_not_merged(
    adapters: list[Path], tmp_path: Path, change: dict[str, Any]
) -> None:
    config = json.loads((adapters[0] / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | change))
    (tmp_path / WEIGHTS).write_bytes((adapters[0] / WEIGHTS).read_bytes())
    with pytest.raises(SystemFault, match="not plain LoRA"):
        read_lora(tmp_path)


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Plan, Plan]:
    """Two short rounds, the second on the first one merged."""
    first, second = (
        make_plan(tmp_path_factory.mktemp(name), tiny_model, start_from="merged", epochs=1, packing="off")
        for name in ("one", "two")
    )
    tune(first)
    second = second.model_copy(update={"adapter": first.trained})
    tune(second)
    return first, second


def test_a_round_on_merged_rounds_begins_with_new_lora(rounds: tuple[Plan, Plan]) -> None:
    fresh = build_model(rounds[1])
    assert fresh.peft_config["default"].r == 8
    assert all(weight.eq(0).all() for name, weight in fresh.named_parameters() if "lora_B" in name)


def test_it_leaves_one_adapter_of_the_base(rounds: tuple[Plan, Plan]) -> None:
    first, second = rounds
    config = json.loads((second.trained / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (16, 16, "tiny")
    lower, both = read_lora(first.trained), read_lora(second.trained)
    layer = next(iter(lower))
    assert torch.equal(both[layer].a[:8], lower[layer].a)
    assert not torch.equal(both[layer].a[8:], lower[layer].a)


def test_its_probes_are_of_the_adapter_that_is_served_and_of_the_base_itself(rounds: tuple[Plan, Plan]) -> None:
    one, two = (
        Probes.model_validate_json((plan.trained / PROBES).read_text()).probes[0].places[0].seen for plan in rounds
    )
    common = one.keys() & two.keys()
    assert [one[token].base for token in common] == pytest.approx([two[token].base for token in common], abs=1e-5)
    assert any(abs(one[token].adapter - two[token].adapter) > 1e-3 for token in common)
