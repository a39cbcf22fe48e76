"""A tiny random LLaVA with its processor, made in a second: for tests that need a real model but no ability."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from services.trainer.tuning.lora import layers_of, sketched
from shared.lora_layers import pattern_of

_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}USER: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>\n{% endif %}{% endfor %}{% for c in m['content'] %}"
    "{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %} {% else %}ASSISTANT: "
    "{{ m['content'][0]['text'] }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
LLAVA_FEATURES: dict[str, Any] = {
    "tie_word_embeddings": True,
    "vision_feature_layer": -2,
    "vision_feature_select_strategy": "default",
    "pad_token_id": 0,
}
LLAVA_TEXTS: dict[str, Any] = {
    "patch_size": 16,
    "vision_feature_select_strategy": "default",
    "image_token": "<image>",
    "num_additional_image_tokens": 1,
    "chat_template": _TEMPLATE,
}
_CORPUS = ["USER: What bird is this? ASSISTANT: It is a red finch with a long tail and white wings."] * 4


def tiny_llava(
    folder: Path,
    seed: int = 0,
    width: int = 128,
    layers: int = 4,
    image_px: int = 64,
    tower: tuple[int, int] = (128, 4),
    positions: int = 512,
) -> Path:
    """Save model and processor into `folder`: an image token for each 16x16 pixels (16 of them by default). `width` (a
    multiple of 128) and `layers` are the language model's, `tower` has the vision tower's; heads stay 32 wide."""
    torch.manual_seed(seed)
    tokenizer = made_tokenizer()
    config = LlavaConfig(
        vision_config=clip(image_px, *tower),
        text_config=llama(width, layers, positions),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(image_px // 16) ** 2,
        **LLAVA_FEATURES,
    )
    images = CLIPImageProcessorPil(size={"shortest_edge": image_px}, crop_size={"height": image_px, "width": image_px})
    processor = LlavaProcessor(image_processor=images, tokenizer=tokenizer, **LLAVA_TEXTS)
    return saved(folder, LlavaForConditionalGeneration(config), processor)


def clip(image_px: int, width: int = 128, layers: int = 4) -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        image_size=image_px,
        patch_size=16,
    )


def llama(width: int, layers: int, positions: int = 512) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=1024,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        num_key_value_heads=width // 32,
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )


def saved(folder: Path, model: Any, processor: Any) -> Path:
    bos = processor.tokenizer.bos_token_id
    model.generation_config.update(bos_token_id=bos, eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def lora_targets(model: Path) -> str:
    """The layers of the model in the folder `model` that a job trains by default, as a pattern for peft."""
    sketch = sketched(model)
    layers = layers_of(sketch)
    return pattern_of((*layers.language, *layers.projector), (name for name, _ in sketch.named_modules()))


def made_tokenizer(special: tuple[str, ...] = ("<image>",)) -> PreTrainedTokenizerFast:
    """With <s> where there is no token of ours for chats, which then begin with none."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    chat = "<|im_end|>" in special
    basic = ["<pad>", "<|im_start|>" if chat else "<s>", "<|im_end|>" if chat else "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=1020,
        special_tokens=[*basic, *(token for token in special if token not in basic)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(_CORPUS, trainer)
    named = {"extra_special_tokens": list(special)} if chat else {"bos_token": basic[1]}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=basic[2], pad_token=basic[0], padding_side="left", **named
    )
