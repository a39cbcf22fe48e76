"""What training leaves as the round's adapter: always one that is relative to the base, as a server serves it."""

from typing import Any

import torch
from peft import PeftModel

from services.trainer.plan import Plan
from services.trainer.tuning.lora import base_precision_of, load_base
from services.trainer.tuning.merging import concatenate


def save_adapter(plan: Plan, model: Any) -> None:
    """Into `plan.trained`. Where earlier rounds were merged into the base, together with theirs."""
    # The adapter names its base by the name it is served under, not by where its files lie on this machine.
    model.peft_config["default"].base_model_name_or_path = plan.base_model
    model.save_pretrained(plan.trained, save_embedding_layers=False)
    if _is_merged(plan):
        assert plan.adapter
        concatenate(plan.adapter, plan.trained, plan.trained)


def as_served(plan: Plan, model: Any) -> Any:
    """The base as a server has it, with the saved adapter on it. Where `model` is something else its weights are given
    up for it."""
    quantised = base_precision_of(model) == "4bit"
    if not _is_merged(plan) and not quantised:
        return model
    device = model.device
    for weight in model.parameters():
        if not weight.requires_grad:
            weight.data = weight.data.new_empty(0)
    if not quantised:
        return PeftModel.from_pretrained(load_base(plan), plan.trained).to(device)
    # Whole it may not fit where it was trained in 4 bits: what does not is kept in the machine's memory.
    torch.cuda.empty_cache()
    return PeftModel.from_pretrained(load_base(plan, device_map="auto"), plan.trained)


def _is_merged(plan: Plan) -> bool:
    return plan.adapter is not None and plan.settings.start_from == "merged"
