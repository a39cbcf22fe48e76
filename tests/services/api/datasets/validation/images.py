"""Images of every kind, as bytes, and items and rows about them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from services.api.datasets.listing import Item
from services.api.datasets.validation.examined import Examined


def picture(size: tuple[int, int] = (64, 48), seed: int = 0) -> Image.Image:
    """A smooth coloured pattern of its own, as different from others as photographs are."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def decoded(body: bytes) -> Image.Image:
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        return image


def item(folder: Path, name: str, body: bytes, **more: Any) -> Item:
    (folder / name).write_bytes(body)
    return Item(id=name, path=folder / name, label="a", split="train", source=name, **more)


def row(name: str, label: str = "a", split: str = "train", **more: Any) -> Examined:
    """A usable image unlike any other, unless `sha256` or `perceptual` say otherwise."""
    number = int.from_bytes(name.encode(), "little")
    facts: dict[str, Any] = {
        "sha256": f"{number:064x}"[-64:],
        "perceptual": np.random.default_rng(number).bytes(32).hex(),
        "group": None,
        "usable": True,
        "findings": (),
        "details": (),
    }
    stored = {"width": 32, "height": 32, "stored_key_name": f"{name}.png"}
    return Examined.model_validate({"id": name, "source": name, "label": label, "split": split} | facts | stored | more)
