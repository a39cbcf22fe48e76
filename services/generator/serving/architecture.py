"""What a checkpoint's config says about the model: lengths, heads, every layer that may get LoRA. Loads no weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

from shared.errors import InvalidInput
from shared.lora_layers import lora_layers
from shared.weight_names import hidden_prefixes

Shape = tuple[int, int]


@dataclass(frozen=True)
class Architecture:
    """Layers by transformers' names, with (outputs, inputs) of each. `hidden_prefixes` are parts of weights' names
    that published checkpoints have and transformers leaves out: a module's name, and the part that follows it there.
    """

    positions: int
    head_size: int
    language: dict[str, Shape]
    projector: dict[str, Shape]
    hidden_prefixes: dict[str, str]
    takes_videos: bool = False


def read_architecture(folder: Path) -> Architecture:
    """Raises InvalidInput when transformers cannot build an image-and-text model from the config."""
    try:
        config = AutoConfig.from_pretrained(folder)
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(config)
    except (ValueError, KeyError, OSError, AttributeError) as error:
        raise InvalidInput(
            f"the model in {folder} cannot be built from its config.json: {str(error).partition(chr(10))[0]}",
            remedy="Name the folder of a vision-language model's checkpoint that transformers supports.",
        ) from error
    text = config.get_text_config()
    layers = lora_layers(model, _is_linear)
    return Architecture(
        positions=text.max_position_embeddings,
        head_size=getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads,
        language=_shapes(model, layers.language),
        projector=_shapes(model, layers.projector),
        hidden_prefixes=hidden_prefixes(model, get_checkpoint_conversion_mapping),
        takes_videos=getattr(config, "video_token_id", None) is not None,
    )


def _is_linear(module: object) -> bool:
    return isinstance(module, torch.nn.Linear)


def _shapes(model: Any, names: tuple[str, ...]) -> dict[str, Shape]:
    layers = {name: model.get_submodule(name) for name in names}
    return {name: (layer.out_features, layer.in_features) for name, layer in layers.items()}
