"""Models of LLaVA-1.5's proportions with random weights, and pairs of random tokens: speed needs no sense in them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from services.trainer.token_pair import TokenPair

IMAGE_TOKEN = 3
_FIRST_WORD = 10


@dataclass(frozen=True)
class Shape:
    """Widths and depths of language model and vision tower; images have 336 pixels in patches of 14."""

    name: str
    width: int
    inner: int
    layers: int
    heads: int
    words: int
    vision_width: int
    vision_inner: int
    vision_layers: int
    vision_heads: int
    image_tokens: int = 576

    def model(self, device: str, dtype: torch.dtype) -> Any:
        """Made on `device`, at once in `dtype`: seven thousand million numbers in float32 would not fit everywhere."""
        torch.manual_seed(0)
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with torch.device(device):
                return LlavaForConditionalGeneration(self._config)
        finally:
            torch.set_default_dtype(before)

    @cached_property
    def _config(self) -> LlavaConfig:
        vision = CLIPVisionConfig(
            hidden_size=self.vision_width,
            intermediate_size=self.vision_inner,
            num_hidden_layers=self.vision_layers,
            num_attention_heads=self.vision_heads,
            image_size=336,
            patch_size=14,
            projection_dim=self.vision_width,
        )
        text = LlamaConfig(
            vocab_size=self.words,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            max_position_embeddings=4096,
        )
        return LlavaConfig(
            vision_config=vision,
            text_config=text,
            image_token_index=IMAGE_TOKEN,
            image_seq_length=self.image_tokens,
            vision_feature_layer=-2,
            vision_feature_select_strategy="default",
        )

    def flops(self, tokens: int, seen: int, images: int) -> float:
        """Of one forward pass and of the backward pass through frozen weights, which costs as much again; the tower
        goes forward only. `seen` is the sum over tokens of the tokens that each one sees."""
        weights = self.layers * (4 * self.width**2 + 3 * self.width * self.inner) + self.width * self.words
        language = 2 * weights * tokens + 4 * self.width * self.layers * seen
        tower = self.vision_layers * (4 * self.vision_width**2 + 2 * self.vision_width * self.vision_inner)
        patches = self.image_tokens + 1
        vision = 2 * tower * patches + 4 * self.vision_width * self.vision_layers * patches**2
        return 2 * language + images * vision


SMALL = Shape("small", 512, 1376, 8, 8, 8000, 128, 512, 6, 2)
LLAVA_7B = Shape("llava-1.5-7b", 4096, 11008, 32, 32, 32064, 1024, 4096, 24, 16)


class Pictures:
    """Stands where the product's encoder gives the images' tensors: random ones, by name, made once. Views of an image
    are all the same."""

    def __init__(self) -> None:
        self._made: dict[str, Tensor] = {}

    def image_inputs(self, image: str, view: int = 0) -> dict[str, Tensor]:
        if image not in self._made:
            self._made[image] = torch.randn(1, 3, 336, 336, generator=torch.Generator().manual_seed(int(image)))
        return {"pixel_values": self._made[image]}

    def token_kinds(self, ids: Tensor) -> dict[str, Tensor]:
        """This model asks for none."""
        return {}


def pairs_of(shape: Shape, images: int, a_picture: int = 8) -> list[TokenPair]:
    """Of each image `a_picture` pairs of about 100 tokens, questions of about 20 of them, behind 40 common ones with
    the image's among them."""
    drawn = random.Random(0)

    def words(count: int) -> Iterator[int]:
        return (drawn.randrange(_FIRST_WORD, shape.words) for _ in range(count))

    before, after = tuple(words(36)), tuple(words(4))
    shared = (*before, *[IMAGE_TOKEN] * shape.image_tokens, *after)
    pairs = []
    for image in range(images):
        for _ in range(a_picture):
            question, answer = tuple(words(drawn.randint(12, 28))), tuple(words(drawn.randint(50, 110)))
            ids = (*shared, *question, *answer)
            pairs.append(TokenPair(str(image), ids, len(shared) + len(question)))
    return pairs
