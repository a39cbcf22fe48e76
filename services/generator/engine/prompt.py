"""From chat messages to token ids and pixels, through the processor's own chat template. Knows no model and no HTTP."""

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError
from PIL import Image
from torch import Tensor

from shared.errors import InvalidInput

Message = dict[str, Any]


@dataclass(frozen=True)
class Prompt:
    """`ids` holds an image's placeholder tokens already; `pixels` is what the vision tower takes. Two prompts with the
    same ids and the same images (by hash) are equal."""

    ids: tuple[int, ...]
    images: tuple[str, ...] = ()
    pixels: dict[str, Tensor] = field(default_factory=dict, compare=False)


class PromptReader:
    """Not safe for several threads: fast tokenizers are not."""

    def __init__(self, processor: Any, max_pixels: int) -> None:
        self._processor, self._max_pixels = processor, max_pixels
        self._placeholder = getattr(processor, "image_token", None)

    def read(self, messages: list[Message], *, generation_prompt: bool = True, continues: bool = False) -> Prompt:
        """With a `generation_prompt` the assistant's turn is begun; one that `continues` ends within the last message.

        Raises InvalidInput for whatever in the messages cannot be used."""
        hashes: list[str] = []
        images: list[Image.Image] = []
        chat = [{"role": m["role"], "content": self._parts(m["content"], hashes, images)} for m in messages]
        try:
            text = self._processor.apply_chat_template(
                chat, add_generation_prompt=generation_prompt, continue_final_message=continues, tokenize=False
            )
        except (TemplateError, ValueError) as error:
            raise InvalidInput(
                f"the model's chat template refuses the messages: {error}", remedy="Check their roles."
            ) from error
        # As training does it: the tokenizer begins the text where the template does not.
        bos = self._processor.tokenizer.bos_token
        begins = bos is not None and text.startswith(bos)
        inputs = self._processor(text=[text], images=images or None, add_special_tokens=not begins, return_tensors="pt")
        ids = tuple(inputs["input_ids"][0].tolist())
        pixels = {key: inputs[key] for key in inputs if key not in ("input_ids", "attention_mask")} if images else {}
        return Prompt(ids, tuple(hashes), pixels)

    def _parts(self, content: str | list[Message], hashes: list[str], images: list[Image.Image]) -> list[Message]:
        parts: list[Message] = []
        asked: list[Message] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in asked:
            if part["type"] == "image_url":
                body = _body(part["image_url"]["url"])
                hashes.append(hashlib.sha256(body).hexdigest())
                images.append(decode_image(body, self._max_pixels))
                parts.append({"type": "image"})
            elif self._placeholder and self._placeholder in part["text"]:
                raise InvalidInput(f"a text holds {self._placeholder!r}", remedy="Send images as image_url parts.")
            else:
                parts.append({"type": "text", "text": part["text"]})
        return parts


def decode_image(body: bytes, max_pixels: int) -> Image.Image:
    """The image as RGB. Its size is checked before its pixels are decoded."""
    try:
        image = Image.open(io.BytesIO(body))
        if image.width * image.height > max_pixels:
            raise InvalidInput(
                f"the image has {image.width}x{image.height} pixels, at most {max_pixels} are allowed",
                remedy="Scale it down.",
            )
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            f"the image cannot be decoded: {error}", remedy="Send a whole JPEG, PNG or WebP file."
        ) from error


def _body(url: str) -> bytes:
    head, comma, payload = url.partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64") and comma):
        raise InvalidInput(
            "an image_url is no data: URI in base64", remedy="Send images as data:image/...;base64,..., not by address."
        )
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise InvalidInput(f"an image's base64 is broken: {error}", remedy="Encode the whole file anew.") from error
