"""Keeps the base model's language layers in 4 bits while LoRA on them is trained (QLoRA, arXiv 2305.14314).

What sees the image and what lies between stay as they are: they are small, and errors there blur every image.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from peft import prepare_model_for_kbit_training
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

from shared.errors import UserFault


def check_four_bit(has_cuda: bool, has_bitsandbytes: bool) -> None:
    """Raises UserFault where 4 bits cannot take effect: they are never left out in silence."""
    if has_cuda and has_bitsandbytes:
        return
    raise UserFault(
        f"train.base_precision is '4bit', but this trainer has {'no bitsandbytes' if has_cuda else 'no CUDA device'}",
        remedy="Set train.base_precision to 'full', or train on a machine with a GPU, installed with "
        "`tools/install.sh trainer-four-bit`.",
        code="four_bit_unavailable",
    )


def four_bit_config(quantised: Collection[str], all_linear: Collection[str], dtype: torch.dtype) -> BitsAndBytesConfig:
    """NF4 with quantised scales for the layers `quantised`, which compute in `dtype`."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        # Patterns, matched from the start of a name.
        llm_int8_skip_modules=[f"{re.escape(name)}$" for name in all_linear if name not in set(quantised)],
    )


def load_in_four_bit(model_path: Path, config: BitsAndBytesConfig, device: torch.device) -> Any:
    """The base on `device`, frozen, its norms and embeddings in float32."""
    base = AutoModelForImageTextToText.from_pretrained(
        model_path, dtype=config.bnb_4bit_compute_dtype, device_map={"": device}, quantization_config=config
    )
    return prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
