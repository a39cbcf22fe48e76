"""Builds the model to train: the base with a new or the previous round's LoRA. Knows no data and no schedule."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForImageTextToText, set_seed
from transformers.utils import is_bitsandbytes_available

from services.trainer.parallel.zero import unpartitioned
from services.trainer.plan import Plan
from services.trainer.targets import check_layers, chosen_layers
from services.trainer.tuning.four_bit import check_four_bit, four_bit_config, load_in_four_bit
from services.trainer.tuning.merging import merge_into
from shared.job_settings import TrainSettings
from shared.lora_layers import LoraLayers, lora_layers, pattern_of


def precision_of(plan: Plan) -> str:
    """The precision in effect: bf16 only where the device computes well in it."""
    cuda_bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if plan.settings.precision == "bf16" and cuda_bf16 else "float32"


def build_model(plan: Plan) -> Any:
    """The base model, frozen, with LoRA weights in float32 to train: new ones, or the previous round's. Where rounds
    are merged, the earlier ones are in the base.

    Raises InvalidInput when the base has nothing to train where the settings want it, or when the previous adapter
    trains other layers; UserFault when 4 bits are asked for where they cannot be had.
    """
    sketch = sketched(plan.model_path)
    chosen = chosen_layers(layers_of(sketch), plan.settings, plan.base_model)
    config = lora_config(sketch, chosen, plan.settings)
    if plan.adapter:
        check_layers(plan.adapter, chosen)
    base = _in_four_bit(plan, sketch) if plan.settings.base_precision == "4bit" else load_base(plan)
    base.config.use_cache = False
    if plan.adapter and plan.settings.start_from == "merged":
        merge_into(base, plan.adapter)
    elif plan.adapter:
        return PeftModel.from_pretrained(base, plan.adapter, config=config, is_trainable=True)
    # Loading may have drawn numbers, and not the same in each process.
    set_seed(plan.seed)
    return get_peft_model(base, config)


def base_precision_of(model: Any) -> str:
    """Of a model that `build_model` made: "4bit" or "full"."""
    return "4bit" if getattr(model.get_base_model(), "is_loaded_in_4bit", False) else "full"


def load_base(plan: Plan, **options: Any) -> Any:
    """The base model in the precision in effect, none of it quantised. `options` are `from_pretrained`'s."""
    return AutoModelForImageTextToText.from_pretrained(plan.model_path, dtype=_dtype(plan), **options)


def sketched(model_path: Path) -> Any:
    """The model without weights, to ask for its structure."""
    with unpartitioned(), torch.device("meta"):
        return AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(model_path))


def layers_of(model: torch.nn.Module) -> LoraLayers:
    return lora_layers(model, _is_linear)


def lora_config(model: torch.nn.Module, chosen: tuple[str, ...], settings: TrainSettings) -> LoraConfig:
    """LoRA on the layers `chosen` of `model` (or of its sketch), and on no other."""
    return LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=pattern_of(chosen, (name for name, _ in model.named_modules())),
        bias="none",
        task_type="CAUSAL_LM",
    )


def _in_four_bit(plan: Plan, sketch: torch.nn.Module) -> Any:
    check_four_bit(torch.cuda.is_available(), is_bitsandbytes_available())
    linear = [name for name, module in sketch.named_modules() if _is_linear(module)]
    config = four_bit_config(layers_of(sketch).language, linear, _dtype(plan))
    return load_in_four_bit(plan.model_path, config, torch.device("cuda", torch.cuda.current_device()))


def _is_linear(module: object) -> bool:
    return isinstance(module, torch.nn.Linear)


def _dtype(plan: Plan) -> torch.dtype:
    return torch.bfloat16 if precision_of(plan) == "bf16" else torch.float32
