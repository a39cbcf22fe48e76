"""Configs of published shapes, tiny: what the launcher derives from them is checked by name."""

from pathlib import Path

from transformers import (
    CLIPVisionConfig,
    Idefics3Config,
    LlamaConfig,
    LlavaConfig,
    LlavaNextConfig,
    MistralConfig,
    PreTrainedConfig,
    Qwen2_5_VLConfig,
    Qwen3VLConfig,
)

_TEXT = {
    "vocab_size": 64,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
_CLIP = CLIPVisionConfig(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
)
_QWEN_VISION = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64}


def llava() -> LlavaConfig:
    return LlavaConfig(vision_config=_CLIP, text_config=LlamaConfig(**_TEXT, max_position_embeddings=4096))


def llava_next() -> LlavaNextConfig:
    return LlavaNextConfig(vision_config=_CLIP, text_config=MistralConfig(**_TEXT, max_position_embeddings=32768))


def idefics3() -> Idefics3Config:
    text = LlamaConfig(**_TEXT, max_position_embeddings=4096, pad_token_id=0)
    return Idefics3Config(text_config=text, pad_token_id=0)


def qwen2_5_vl() -> Qwen2_5_VLConfig:
    text = {**_TEXT, "max_position_embeddings": 128000}
    return Qwen2_5_VLConfig(vision_config=_QWEN_VISION, text_config=text)


def qwen3_vl() -> Qwen3VLConfig:
    text = {**_TEXT, "head_dim": 128, "max_position_embeddings": 262144}
    vision = {**_QWEN_VISION, "deepstack_visual_indexes": [0]}
    return Qwen3VLConfig(vision_config=vision, text_config=text)


def written(config: PreTrainedConfig, folder: Path) -> Path:
    config.save_pretrained(folder)
    return folder
