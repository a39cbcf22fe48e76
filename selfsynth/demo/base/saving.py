"""Writes the base checkpoint so that both transformers and vLLM load it. Knows nothing of how it was trained."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

from shared.weight_names import hidden_prefixes, published_name

_WEIGHTS = "model.safetensors"


def save(model: LlavaForConditionalGeneration, processor: LlavaProcessor, folder: Path) -> None:
    """In bfloat16, with the processor beside it."""
    model.to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)
    name_tower_as_published(folder)


def name_tower_as_published(folder: Path) -> Path:
    """Published checkpoints of this architecture name the vision tower's weights in a longer way, the only one that
    vLLM knows."""
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(LlavaConfig.from_pretrained(folder))
    hidden = hidden_prefixes(model, get_checkpoint_conversion_mapping)
    weights = {published_name(name, hidden): tensor for name, tensor in load_file(folder / _WEIGHTS).items()}
    save_file(weights, folder / _WEIGHTS, metadata={"format": "pt"})
    return folder
