"""Builds the model to train: the base with a new or the previous round's LoRA. Knows no data and no schedule."""

import re
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForImageTextToText

from services.trainer.plan import Plan
from services.trainer.targets import target_pattern
from shared.errors import InvalidInput
from shared.lora_layers import LANGUAGE, PROJECTOR


def precision_of(plan: Plan) -> str:
    """The precision in effect: bf16 only where the device computes well in it."""
    cuda_bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if plan.settings.precision == "bf16" and cuda_bf16 else "float32"


def build_model(plan: Plan) -> Any:
    """The base model, frozen, with LoRA weights in float32 to train.

    Raises InvalidInput when the base has no layers of the names that LLaVA-like models use.
    """
    dtype = torch.bfloat16 if precision_of(plan) == "bf16" else torch.float32
    base = AutoModelForImageTextToText.from_pretrained(plan.model_path, dtype=dtype)
    base.config.use_cache = False
    check_targets(base, plan)
    config = _config(plan)
    if plan.adapter:
        return PeftModel.from_pretrained(base, plan.adapter, config=config, is_trainable=True)
    return get_peft_model(base, config)


def _config(plan: Plan) -> LoraConfig:
    return LoraConfig(
        r=plan.settings.lora_rank,
        lora_alpha=plan.settings.lora_alpha,
        lora_dropout=plan.settings.lora_dropout,
        target_modules=target_pattern(plan.settings),
        bias="none",
        task_type="CAUSAL_LM",
    )


def check_targets(base: torch.nn.Module, plan: Plan) -> None:
    wanted = {"language model": LANGUAGE}
    if plan.settings.projector == "lora":
        wanted["projector"] = PROJECTOR
    names = [name for name, _ in base.named_modules()]
    missing = [part for part, pattern in wanted.items() if not any(re.fullmatch(pattern, name) for name in names)]
    if missing:
        raise InvalidInput(
            f"base model {plan.base_model!r} has no layers to train in its {' and '.join(missing)}",
            remedy="Use a LLaVA-like model, or set train.projector to 'frozen' where only the projector is missing.",
            code="unsupported_model",
        )
