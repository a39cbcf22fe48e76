"""Asks a saved checkpoint as any user would: AutoProcessor, chat template, greedy `generate`. Knows no birds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoProcessor

_MOST_TOKENS = 96
_BATCH = 64


class Speaker:
    """A checkpoint in float32 with its processor."""

    def __init__(self, checkpoint: Path) -> None:
        self.processor = AutoProcessor.from_pretrained(checkpoint)
        self.model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=torch.float32).eval()

    def answers(self, images: Sequence[NDArray[np.uint8]], questions: Sequence[str]) -> list[str]:
        """One greedy answer for each image (height, width, 3) and question."""
        pairs = list(zip(images, questions, strict=True))
        return [text for i in range(0, len(pairs), _BATCH) for text in self._batch(pairs[i : i + _BATCH])]

    @torch.inference_mode()
    def features(self, images: Sequence[NDArray[np.uint8]]) -> Tensor:
        """(images, image tokens x width): what the projector gets of each image."""
        inputs = self.processor.image_processor([Image.fromarray(image) for image in images], return_tensors="pt")
        tower = self.model.model.vision_tower
        states: Tensor = tower(inputs["pixel_values"], output_hidden_states=True).hidden_states[-2]
        return states[:, 1:].flatten(1)

    @torch.inference_mode()
    def _batch(self, pairs: Sequence[tuple[NDArray[np.uint8], str]]) -> list[str]:
        chats = [
            [{"role": "user", "content": [{"type": "image", "image": Image.fromarray(i)}, {"type": "text", "text": q}]}]
            for i, q in pairs
        ]
        inputs = self.processor.apply_chat_template(
            chats,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )
        written = self.model.generate(**inputs, max_new_tokens=_MOST_TOKENS, do_sample=False)
        texts = self.processor.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [text.strip() for text in texts]
