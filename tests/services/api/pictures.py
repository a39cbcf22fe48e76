"""Small data sets on disk, in both layouts."""

import json
import random
from pathlib import Path
from typing import Any

from PIL import Image

LABELS = ("red finch", "blue wren")


def picture(path: Path, seed: int) -> Path:
    """A 32x32 PNG of its own colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.frombytes("RGB", (32, 32), random.Random(seed).randbytes(3072)).save(path)
    return path


def reference_folder(root: Path, train: int = 5, test: int = 2) -> Path:
    """`root/birds/birds-train.json` and so on; `train` and `test` count a class's images. Returns `root/birds`."""
    number = 0
    for split, count in (("train", train), ("test", test)):
        entries = []
        for label in LABELS:
            for _ in range(count):
                picture(root / "pictures" / f"{number}.png", number)
                entries.append({"id": number, "img_path": f"pictures/{number}.png", "label": label})
                number += 1
        _write(root / "birds" / f"birds-{split}.json", entries)
    bank = {
        str(k): {"name": label, "visual_features": [f"{label} wings", f"{label} tail"]}
        for k, label in enumerate(LABELS)
    }
    _write(root / "birds" / "birds_visual_features.json", bank)
    return root / "birds"


def class_folders(root: Path, per_class: int = 10, splits: tuple[str, ...] = ("",)) -> Path:
    for n, split in enumerate(splits):
        for k, label in enumerate(LABELS):
            for i in range(per_class):
                picture(root / split / label / f"{i}.png", 1000 * n + 100 * k + i)
    return root


def conversation(number: int, image: str | None = None) -> dict[str, Any]:
    """One of LLaVA-Instruct's kind."""
    asked = f"<image>\nWhat is {number}?" if image else f"What is {number}?"
    said = [{"from": "human", "value": asked}, {"from": "gpt", "value": f"It is {number}."}]
    return {"id": str(number), "conversations": said} | ({"image": image} if image else {})


def instruction_folder(root: Path, lines: bool = False) -> Path:
    """Four conversations about two images, and two without. Returns `root`."""
    images = [f"pictures/{number}.png" for number in (0, 1)]
    for number, image in enumerate(images):
        picture(root / image, 500 + number)
    rows = [conversation(number, image) for number, image in enumerate([*images, *images, None, None])]
    text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
    (root / ("mixed.jsonl" if lines else "mixed.json")).write_text(text)
    return root


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
