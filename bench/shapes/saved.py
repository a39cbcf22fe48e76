"""Random models on disk, so that vLLM serves them: a shape of LLaVA's with its processor, and answers that end."""

import json
import random
from pathlib import Path

import torch
from transformers import CLIPImageProcessorPil, LlavaProcessor

from bench.shapes.llava import IMAGE_TOKEN, Shape
from selfsynth.demo.base.saving import name_tower_as_published
from tests.models import LLAVA_TEXTS, made_tokenizer, saved

_FIRST_END = 16
# A random model never ends by itself. With this share of its tokens as ends, answers have 38 tokens on average, some a
# few and one in ten all 96: descriptions differ in length, and a batch waits for its longest.
_ENDS_SHARE = 24 / 1024


def saved_shape(shape: Shape, folder: Path) -> Path:
    """In bfloat16, made on a GPU where there is one: of seven thousand million weights a CPU draws for minutes."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = made_tokenizer()
    assert tokenizer.convert_tokens_to_ids("<image>") == IMAGE_TOKEN
    sides = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(**sides), tokenizer=tokenizer, **LLAVA_TEXTS | {"patch_size": 14}
    )
    saved(folder, shape.model(device, torch.bfloat16), processor)
    if device == "cuda":
        torch.cuda.empty_cache()  # the engine wants all of it
    return with_ends(name_tower_as_published(folder), shape.words)


def with_ends(model: Path, words: int) -> Path:
    file = model / "generation_config.json"
    ends = random.Random(0).sample(range(_FIRST_END, words), round(_ENDS_SHARE * words))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token_id": [2, *ends]}))
    return model
