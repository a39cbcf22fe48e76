"""Tiny random models of more families, with their processors. Heads are 32 wide, as vLLM needs them."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
)

from services.trainer.tuning.processing import without_videos
from tests.models import LLAVA_FEATURES, LLAVA_TEXTS, clip, llama, made_tokenizer, saved

_QWEN_SPECIAL = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_QWEN_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_QWEN_VISION: dict[str, Any] = {
    "depth": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_heads": 2,
    "out_hidden_size": 128,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
}


def tiny_llava_next(folder: Path, seed: int = 0) -> Path:
    """A base picture of 64x64 pixels and tiles of that size, in as many as the image's shape asks for."""
    torch.manual_seed(seed)
    tokenizer = made_tokenizer()
    grids = [[64, 128], [128, 64], [128, 128]]
    config = LlavaNextConfig(
        vision_config=clip(64),
        text_config=llama(128, 2),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=grids,
        image_seq_length=16,
        **LLAVA_FEATURES,
    )
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}, image_grid_pinpoints=grids
    )
    processor = LlavaNextProcessor(image_processor=images, tokenizer=tokenizer, **LLAVA_TEXTS)
    return saved(folder, LlavaNextForConditionalGeneration(config), processor)


def tiny_qwen2_5_vl(folder: Path, seed: int = 0) -> Path:
    """An image token for each 28x28 pixels, placed in rows and columns; the projector is the end of the tower."""
    torch.manual_seed(seed)
    vision = _QWEN_VISION | {"num_heads": 4, "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1]}
    config = Qwen2_5_VLConfig(vision_config=vision, text_config=_qwen_text(mrope_section=[4, 6, 6]), **_qwen_tokens())
    return _saved_qwen(folder, Qwen2_5_VLForConditionalGeneration(config), Qwen2_5_VLProcessor, patch_size=14)


def tiny_qwen3_vl(folder: Path, seed: int = 0) -> Path:
    """An image token for each 32x32 pixels. Besides its end the tower has a projector to a deeper layer."""
    torch.manual_seed(seed)
    vision = _QWEN_VISION | {"num_position_embeddings": 64, "deepstack_visual_indexes": [0], "patch_size": 16}
    text = _qwen_text(mrope_section=[6, 5, 5], mrope_interleaved=True) | {"head_dim": 32}
    config = Qwen3VLConfig(vision_config=vision, text_config=text, **_qwen_tokens())
    return _saved_qwen(folder, Qwen3VLForConditionalGeneration(config), Qwen3VLProcessor, patch_size=16)


def _qwen_text(**rope: Any) -> dict[str, Any]:
    return {
        "vocab_size": 1024,
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, **rope},
    }


def _qwen_tokens() -> dict[str, Any]:
    ids = dict(zip(_QWEN_SPECIAL, made_tokenizer(_QWEN_SPECIAL).convert_tokens_to_ids(_QWEN_SPECIAL), strict=True))
    return {
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "tie_word_embeddings": True,
    }


def _saved_qwen(folder: Path, model: Any, kind: Any, patch_size: int) -> Path:
    """The part of the processor for videos stands in a file of its own, as in published checkpoints."""
    images = Qwen2VLImageProcessorPil(patch_size=patch_size, size={"shortest_edge": 28**2, "longest_edge": 128**2})
    tokenizer = made_tokenizer(_QWEN_SPECIAL)
    saved(folder, model, without_videos(kind)(images, tokenizer, chat_template=_QWEN_TEMPLATE))
    videos = {"video_processor_type": "Qwen2VLVideoProcessor", "patch_size": patch_size, "temporal_patch_size": 2}
    (folder / "video_preprocessor_config.json").write_text(json.dumps(videos | {"merge_size": 2}))
    return folder
