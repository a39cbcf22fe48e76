"""Reads general instruction data: a JSON list or JSON lines of conversations as LLaVA-Instruct has them. No service.

    {"id": "1", "image": "coco/1.jpg", "conversations": [{"from": "human", "value": "<image>\\nWhat is it?"},
                                                         {"from": "gpt", "value": "A cat."}]}

`image` is relative to the file and may be missing. Of several turns the first one is taken: training pairs are one
question and one answer, and later questions lean on what was said before.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.api.datasets.listing import Finding, Item
from services.api.datasets.names import writable
from shared.errors import InvalidInput

LAYOUT = "instructions"
UNREADABLE = "conversation_unreadable"
_SUFFIXES = (".json", ".jsonl")
_IMAGE_MARK = "<image>"
_LIMIT_BYTES = 2 * 1024**3


class _Said(BaseModel):
    by: Literal["human", "gpt"] = Field(alias="from")
    value: str


class _Row(BaseModel):
    """As the file has it; what else a row holds is not used."""

    id: str | int
    image: str | None = None
    conversations: list[_Said] = Field(min_length=2)


@dataclass(frozen=True)
class Conversation:
    """The first question and its answer. `image` is the path that the file gives, if any."""

    id: str
    question: str
    answer: str
    image: str | None


@dataclass(frozen=True)
class Instructions:
    """`findings`: rows that cannot be read. `items`: each image once, in the order of first mention."""

    conversations: tuple[Conversation, ...]
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]


def read_instructions(place: Path) -> Instructions:
    """`place` is the file, or a folder with one such file. Raises InvalidInput when there is none to be read, or when
    it holds no conversation at all."""
    file = _file_in(place)
    found: list[Conversation] = []
    findings: list[Finding] = []
    for number, row in enumerate(_rows(file), 1):
        try:
            found.append(_conversation(row))
        except (ValidationError, ValueError) as error:
            findings.append(Finding(code=UNREADABLE, message=f"row {number}: {_why(error)}", file=file.name))
    if not found and not findings:
        raise InvalidInput(f"{file.name} holds no conversation", remedy="Give a list of conversations.")
    return Instructions(tuple(found), tuple(_items(found, file.parent)), tuple(findings))


def _file_in(place: Path) -> Path:
    """An archive may hold a folder with all in it."""
    files = [place] if place.is_file() else sorted(each for each in place.iterdir() if each.suffix in _SUFFIXES)
    inside = [] if files else [each for each in place.iterdir() if each.is_dir()]
    if len(inside) == 1:
        return _file_in(inside[0])
    if len(files) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise InvalidInput(
            f"instruction data is one file of {' or '.join(_SUFFIXES)}, and there are: {names}",
            remedy="Give the file itself, or a folder with it and the images.",
        )
    return files[0]


def _rows(file: Path) -> Iterator[Any]:
    if (size := file.stat().st_size) > _LIMIT_BYTES:
        raise InvalidInput(f"{file.name} has {size} bytes, {_LIMIT_BYTES} may be read", remedy="Split the data set.")
    try:
        text = file.read_text(encoding="utf-8")
        if not text.lstrip().startswith("["):
            return iter([json.loads(line) for line in text.splitlines() if line.strip()])
        rows: list[Any] = json.loads(text)
        return iter(rows)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{file.name} is neither a JSON list nor JSON lines: {error}", remedy="Write one of the two, in UTF-8."
        ) from error


def _conversation(row: Any) -> Conversation:
    read = TypeAdapter(_Row).validate_python(row)
    asked, answered = read.conversations[:2]
    question, answer = asked.value.replace(_IMAGE_MARK, "").strip(), answered.value.strip()
    if (asked.by, answered.by) != ("human", "gpt"):
        raise ValueError("it begins with no question of `human` that `gpt` answers")
    if not question or not answer:
        raise ValueError("its first question or answer is empty")
    if read.image and writable(read.image) != read.image:
        raise ValueError("its image has a name that no file has")
    return Conversation(_whole(str(read.id)), _whole(question), _whole(answer), read.image or None)


def _whole(text: str) -> str:
    """Without halves of characters, which JSON may hold and no other file."""
    return text.encode("utf-8", "replace").decode()


def _items(conversations: Iterable[Conversation], folder: Path) -> Iterator[Item]:
    images = dict.fromkeys(each.image for each in conversations if each.image)
    return (Item(id=image, path=folder / image, label="", split="train", source=image) for image in images)


def _why(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
