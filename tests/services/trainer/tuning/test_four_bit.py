"""The base in 4 bits. bitsandbytes computes on a CPU too, slowly: what is quantised is seen there as well."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model
from transformers import AutoModelForImageTextToText

from services.trainer.notes import Result
from services.trainer.plan import read_pairs
from services.trainer.targets import chosen_layers
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.four_bit import check_four_bit, four_bit_config, load_in_four_bit
from services.trainer.tuning.lora import layers_of, lora_config, sketched
from services.trainer.tuning.probing import probes_of
from services.trainer.tuning.processing import load_processor
from services.trainer.tuning.tune import tune
from shared.errors import UserFault
from shared.types.probes import PROBES, Probes
from tests.families import tiny_qwen3_vl
from tests.services.trainer.tuning.test_tune import make_plan

LINEAR = ["tower.0", "model.layers.1.q", "model.layers.11.q", "lm_head"]


@pytest.mark.parametrize(
    ("has_cuda", "has_bitsandbytes", "lacks"),
    [(False, True, "no CUDA device"), (True, False, "no bitsandbytes"), (False, False, "no CUDA device")],
)
def test_what_cannot_take_effect_is_refused(has_cuda: bool, has_bitsandbytes: bool, lacks: str) -> None:
    with pytest.raises(UserFault, match=f"train.base_precision is '4bit', but this trainer has {lacks}") as error:
        check_four_bit(has_cuda, has_bitsandbytes)
    assert error.value.code == "four_bit_unavailable"
    check_four_bit(True, True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="4 bits are refused where there is no CUDA device")
def test_training_in_4_bits_ends_at_its_start_without_a_cuda_device(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UserFault, match="no CUDA device"):
        tune(make_plan(tmp_path, tiny_model, base_precision="4bit"))


def test_weights_are_nf4_with_quantised_scales() -> None:
    config = four_bit_config(["model.layers.1.q"], LINEAR, torch.bfloat16)
    assert (config.load_in_4bit, config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == (True, "nf4", True)
    assert config.bnb_4bit_compute_dtype is torch.bfloat16


def test_only_the_language_models_layers_are_quantised_and_trained_on(tmp_path: Path) -> None:
    folder = tiny_qwen3_vl(tmp_path)
    base = in_four_bit(folder)
    layers = layers_of(base)
    quantised = {name for name, module in base.named_modules() if type(module).__name__ == "Linear4bit"}
    assert quantised == set(layers.language)
    assert layers == layers_of(sketched(folder))
    assert layers.language
    plan = make_plan(tmp_path, folder)
    chosen = chosen_layers(layers, plan.settings, "tiny")
    model = get_peft_model(base, lora_config(base, chosen, plan.settings))
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert len(trained) == 2 * len(chosen)
    assert all("lora_" in name for name in trained)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_training_in_4_bits_learns_and_its_adapter_is_measured_on_the_whole_base(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, tiny_qwen3_vl(tmp_path / "model"), base_precision="4bit", epochs=6, max_length=200)
    tune(plan)
    result = Result.model_validate_json(plan.result.read_text())
    assert (result.base_precision, result.device) == ("4bit", "cuda")
    assert result.losses[-1].loss < result.losses[0].loss - 0.3
    whole = AutoModelForImageTextToText.from_pretrained(plan.model_path, dtype=torch.bfloat16).cuda()
    encoder = PairEncoder(load_processor(plan.model_path), plan.images)
    anew = probes_of(plan, PeftModel.from_pretrained(whole, plan.trained), encoder, read_pairs(plan))
    written = Probes.model_validate_json((plan.trained / PROBES).read_text())
    for own, told in zip(anew.probes, written.probes, strict=True):
        for place, other in zip(own.places, told.places, strict=True):
            seen = {token: value.adapter for token, value in place.seen.items()}
            assert {token: value.adapter for token, value in other.seen.items()} == pytest.approx(seen, abs=0.05)


def in_four_bit(folder: Path) -> Any:
    sketch = sketched(folder)
    linear = [name for name, module in sketch.named_modules() if isinstance(module, torch.nn.Linear)]
    config = four_bit_config(layers_of(sketch).language, linear, torch.float32)
    return load_in_four_bit(folder, config, torch.device("cpu"))
