"""From QA pairs to token ids and labels. Knows the processor's chat template, nothing of batches and training.

Training and serving build prompts from the same template, so the ids of a training prompt are those that a server sees.
The prompt holds the image and the question only; the loss is on the answer and its end token only.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from services.trainer.plan import TrainPair
from services.trainer.token_pair import TokenPair
from shared.errors import SystemFault

_CACHE_BYTES = 2 * 1024**3

ImageInputs = dict[str, torch.Tensor]


class PairEncoder:
    """Turns pairs into ids. `processor` is the base model's, with tokenizer, image processor and chat template."""

    def __init__(self, processor: Any, images: Path) -> None:
        self._processor = processor
        self._images = images
        self._image_tokens: dict[str, int] = {}
        self._inputs: dict[str, ImageInputs] = {}
        self._cached_bytes = 0

    def encode(self, pair: TrainPair) -> TokenPair:
        """Raises SystemFault when the model's template does not keep the prompt as the beginning of the whole."""
        prompt = self._ids(self._render(pair, answered=False), pair.image)
        whole = self._ids(self._ended(self._render(pair, answered=True)), pair.image)
        if whole[: len(prompt)] != prompt:
            raise SystemFault(
                "the base model's chat template does not keep the prompt's tokens when the answer is added",
                remedy="Use a model whose template renders the answer after the generation prompt.",
            )
        return TokenPair(image=pair.image, ids=tuple(whole), prompt_length=len(prompt))

    def fault_of(self, pair: TokenPair, max_length: int) -> str | None:
        """Why a pair cannot be trained on, or None: it is over-long, or its text holds the model's control tokens."""
        if len(pair.ids) > max_length:
            return "too_long"
        bos, image = self._processor.tokenizer.bos_token_id, self._processor.image_token_id
        strange = pair.ids.count(image) != self._image_tokens[pair.image] or (bos and pair.ids.count(bos) > 1)
        return "control_tokens" if strange or self._ends_early(pair) else None

    def image_inputs(self, image: str) -> ImageInputs:
        """The image's tensors (batch dimension 1), computed once while they fit into 2 GiB."""
        if image in self._inputs:
            return self._inputs[image]
        inputs = self._process(image)
        self._cached_bytes += sum(tensor.nbytes for tensor in inputs.values())
        if self._cached_bytes < _CACHE_BYTES:
            self._inputs[image] = inputs
        return inputs

    def _process(self, image: str) -> ImageInputs:
        """Also counts the image's tokens: how often the processor repeats the placeholder for an image of this size."""
        token = self._processor.image_token
        with Image.open(self._images / image) as opened:
            both = dict(self._processor(images=opened.convert("RGB"), text=token, return_tensors="pt"))
        ids = both.pop("input_ids")
        both.pop("attention_mask")
        self._image_tokens[image] = int((ids == self._processor.image_token_id).sum())
        return both

    def _render(self, pair: TrainPair, *, answered: bool) -> str:
        question = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": pair.question}]}
        answer = {"role": "assistant", "content": [{"type": "text", "text": pair.answer}]}
        messages = [question, answer] if answered else [question]
        return str(self._processor.apply_chat_template(messages, add_generation_prompt=not answered))

    def _ended(self, text: str) -> str:
        """Templates differ in whether they close an answer; ours always is, once."""
        eos = self._processor.tokenizer.eos_token
        return text.rstrip() if text.rstrip().endswith(eos) else text.rstrip() + eos

    def _ids(self, text: str, image: str) -> list[int]:
        """As the processor does it: placeholders repeated, and BOS added only where the template gives none."""
        if image not in self._image_tokens:
            self.image_inputs(image)
        token, bos = self._processor.image_token, self._processor.tokenizer.bos_token
        text = text.replace(token, token * self._image_tokens[image])
        bare = bos is not None and text.startswith(bos)
        return list(self._processor.tokenizer(text, add_special_tokens=not bare)["input_ids"])

    def _ends_early(self, pair: TokenPair) -> bool:
        return self._processor.tokenizer.eos_token_id in pair.ids[pair.prompt_length : -1]


def encode_all(
    encoder: PairEncoder, pairs: Iterable[TrainPair], max_length: int
) -> tuple[list[TokenPair], dict[str, int]]:
    """The pairs that can be trained on, and how many were dropped for which reason. None is ever cut."""
    kept, dropped = [], Counter[str]()
    for pair in pairs:
        encoded = encoder.encode(pair)
        fault = encoder.fault_of(encoded, max_length)
        if fault:
            dropped[fault] += 1
        else:
            kept.append(encoded)
    return kept, dict(dropped)
