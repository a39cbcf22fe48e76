"""From QA pairs to token ids and labels. Knows the processor's chat template, nothing of batches and training.

Training and serving build prompts from the same template, so the ids of a training prompt are those that a server sees.
The prompt holds the image and the question only; the loss is on the answer and its end token only.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from PIL import Image
from torch import Tensor

from services.trainer.plan import TrainPair
from services.trainer.token_pair import TokenPair, weights_of
from services.trainer.tuning.augmenting import Views
from services.trainer.tuning.images import ImageInputs
from shared.errors import InvalidInput, SystemFault

_CACHE_BYTES = 2 * 1024**3
_OFFSETS = "text_replacement_offsets"
# What a processor gives for each token, to tell those of images: it follows from the ids.
_KINDS = "token_type_ids"


@dataclass(frozen=True)
class _Written:
    """How the processor writes an image into a text, and how many of its tokens stand for the image."""

    text: str
    tokens: int


class PairEncoder:
    """Turns pairs into ids. `processor` is the base model's, with tokenizer, image processor and chat template."""

    def __init__(
        self, processor: Any, images: Path, views: Views | None = None, label_weight: float | None = None
    ) -> None:
        """`views` draws what `image_inputs` is asked for beside the images themselves. `label_weight`: see the setting;
        None where nothing is trained."""
        self._processor = processor
        self._images = images
        self._views = views or Views(0)
        self._label_weight = label_weight or 1.0
        self._written: dict[str, _Written] = {}
        self._inputs: dict[tuple[int, str], ImageInputs] = {}
        self._cached_bytes = 0
        self._kinds: tuple[str, ...] = ()
        tokenizer = processor.tokenizer
        named = {token for token, kept in tokenizer.added_tokens_decoder.items() if kept.special}
        self._control = named | set(tokenizer.all_special_ids) | {processor.image_token_id}
        self._template: Counter[int] | None = None
        self._text_template: Counter[int] | None = None

    def encode(self, pair: TrainPair) -> TokenPair:
        """Raises SystemFault when the model's template does not keep the prompt as the beginning of the whole."""
        prompt = self._ids(self._render(pair, answered=False), pair.image)
        whole = self._ids(self._ended(self._render(pair, answered=True)), pair.image)
        if whole[: len(prompt)] != prompt:
            raise SystemFault(
                "the base model's chat template does not keep the prompt's tokens when the answer is added",
                remedy="Use a model whose template renders the answer after the generation prompt.",
            )
        weights = None if self._label_weight == 1 else self._weights(pair, len(prompt), len(whole))
        return TokenPair(image=pair.image, ids=tuple(whole), prompt_length=len(prompt), weights=weights)

    def _weights(self, pair: TrainPair, prompt_length: int, length: int) -> tuple[float, ...]:
        """Those of the tokens that hold any character of the label, wherever the answer names it."""
        text = self._written_out(self._ended(self._render(pair, answered=True)), pair.image)
        answer = text.rfind(pair.answer)
        spans = [
            (found.start(), found.end())
            for found in re.finditer(re.escape(pair.label), text, re.IGNORECASE)
            if pair.label and found.start() >= answer
        ]
        offsets = self._tokenized(text, return_offsets_mapping=True)["offset_mapping"]
        named = [k for k, (start, end) in enumerate(offsets) if any(start < b and a < end for a, b in spans)]
        return weights_of(prompt_length, length, named, self._label_weight)

    def fault_of(self, pair: TokenPair, max_length: int) -> str | None:
        """Why a pair cannot be trained on, or None: it is over-long, or its text holds the model's control tokens."""
        if len(pair.ids) > max_length:
            return "too_long"
        expected = self._of_template(pair.image) if pair.image else self._of_text_template()
        in_prompt = self._controls(pair.ids[: pair.prompt_length])
        clean = in_prompt == expected and not self._controls(pair.ids[pair.prompt_length : -1])
        return None if clean else "control_tokens"

    @cached_property
    def takes_texts(self) -> bool:
        """Whether the model's template can do without an image."""
        try:
            return bool(self._render(TrainPair(image="", question="", answer=""), answered=True))
        except TemplateError:
            return False

    def image_inputs(self, image: str, view: int = 0) -> ImageInputs:
        """The tensors of a view of the image (0: itself), computed once while they fit into 2 GiB; `batch_images` joins
        those of several."""
        if (view, image) not in self._inputs:
            inputs = self._process(image, view)
            if not self._make_room(_bytes_of(inputs), view):
                return inputs
            self._inputs[view, image] = inputs
            self._cached_bytes += _bytes_of(inputs)
        return self._inputs[view, image]

    def _make_room(self, wanted: int, view: int) -> bool:
        """Whether there is: lower views, seen in earlier epochs, make way."""
        while self._cached_bytes + wanted > _CACHE_BYTES:
            earlier = next((key for key in self._inputs if key[0] < view), None)
            if earlier is None:
                return False
            self._cached_bytes -= _bytes_of(self._inputs.pop(earlier))
        return True

    def token_kinds(self, ids: Tensor) -> dict[str, Tensor]:
        """What the model wants to be told of each token of `ids` [pairs, length], by name: 1 where it is an image's.

        Models that place an image's tokens in rows and columns do it only where they are told.
        """
        return {name: (ids == self._processor.image_token_id).long() for name in self._kinds}

    def _process(self, image: str, view: int) -> ImageInputs:
        """Also notes how the processor writes an image of this size."""
        with Image.open(self._images / image) as opened:
            both = dict(self._call(self._views.of(opened.convert("RGB"), image, view), image))
        replaced = both.pop(_OFFSETS, [[]])[0]
        if not replaced:
            raise SystemFault(
                "the base model's processor does not tell how it writes images",
                remedy="Use a model whose processor in transformers has `replace_image_token`.",
            )
        ids = both.pop("input_ids")
        self._written[image] = _Written(replaced[0]["replacement"], int((ids == self._processor.image_token_id).sum()))
        self._kinds = tuple(name for name in both if name.endswith(_KINDS))
        of_text = {"attention_mask", *self._kinds}
        return {name: tensor for name, tensor in both.items() if name not in of_text}

    def _call(self, picture: Image.Image, image: str) -> Any:
        try:
            return self._processor(
                images=picture,
                text=self._processor.image_token,
                return_tensors="pt",
                return_text_replacement_offsets=True,
            )
        except ValueError as error:
            raise InvalidInput(
                f"the base model's processor refuses the image {image} of {picture.width}x{picture.height}: {error}",
                remedy="Remove the image from the data set, or use another base model.",
            ) from error

    def _of_template(self, image: str) -> Counter[int]:
        """The control tokens of a prompt about the image: the template's, which ask nothing, and the image's."""
        if self._template is None:
            empty = TrainPair(image=image, question="", answer="")
            self._template = self._controls(self._ids(self._render(empty, answered=False), image))
        own = {self._processor.image_token_id: self._written[image].tokens}
        return Counter({**self._template, **own})

    def _of_text_template(self) -> Counter[int]:
        if self._text_template is None:
            empty = TrainPair(image="", question="", answer="")
            self._text_template = self._controls(self._ids(self._render(empty, answered=False), ""))
        return self._text_template

    def _controls(self, ids: Iterable[int]) -> Counter[int]:
        return Counter(token for token in ids if token in self._control)

    def _render(self, pair: TrainPair, *, answered: bool) -> str:
        seen = [{"type": "image"}] if pair.image else []
        question = {"role": "user", "content": [*seen, {"type": "text", "text": pair.question}]}
        answer = {"role": "assistant", "content": [{"type": "text", "text": pair.answer}]}
        messages = [question, answer] if answered else [question]
        return str(self._processor.apply_chat_template(messages, add_generation_prompt=not answered))

    def _ended(self, text: str) -> str:
        """Templates differ in whether they close an answer; ours always is, once."""
        eos = self._processor.tokenizer.eos_token
        return text.rstrip() if text.rstrip().endswith(eos) else text.rstrip() + eos

    def _ids(self, text: str, image: str) -> list[int]:
        """As the processor does it: the image written out, and BOS added only where the template gives none."""
        return list(self._tokenized(self._written_out(text, image))["input_ids"])

    def _written_out(self, text: str, image: str) -> str:
        if not image:
            return text
        if image not in self._written:
            self.image_inputs(image)
        return text.replace(self._processor.image_token, self._written[image].text)

    def _tokenized(self, text: str, **more: bool) -> Any:
        bos = self._processor.tokenizer.bos_token
        bare = bos is not None and text.startswith(bos)
        return self._processor.tokenizer(text, add_special_tokens=not bare, **more)


def _bytes_of(inputs: ImageInputs) -> int:
    return sum(tensor.nbytes for tensor in inputs.values())


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
