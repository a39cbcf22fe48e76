"""Writes the base checkpoint so that both transformers and vLLM load it. Knows nothing of how it was trained."""

import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration, LlavaProcessor

_WEIGHTS = "model.safetensors"
_TOWER = re.compile(r"vision_tower\.(?!vision_model\.)")


def save(model: LlavaForConditionalGeneration, processor: LlavaProcessor, folder: Path) -> None:
    """In bfloat16, with the processor beside it."""
    model.to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)
    name_tower_as_published(folder)


def name_tower_as_published(folder: Path) -> Path:
    """Published checkpoints of this architecture say `vision_tower.vision_model...`. transformers 5 leaves the middle
    part out when saving and loads either; vLLM knows the published names only."""
    weights = folder / _WEIGHTS
    tensors = {_TOWER.sub("vision_tower.vision_model.", name): tensor for name, tensor in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt"})
    return folder
