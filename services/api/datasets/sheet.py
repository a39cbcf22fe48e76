"""Draws sample sheets: a row a class with its name, its numbers of images and a few of them. Pure: bytes in, JPEG out.

Several pages, so that memory holds one page whatever the number of classes. Which images are shown is drawn by a seed.
"""

import heapq
import io
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

from PIL import Image, ImageDraw, ImageFont, ImageOps

from services.api.datasets.validation.examined import Examined
from shared.seeds import derive

IMAGES_A_CLASS = 8
CLASSES_A_PAGE = 20
# Held in reserve for those that the verdict leaves out.
_SPARE = 2
_TILE, _GAP, _LABEL, _HEAD = 120, 8, 230, 64
_ROW = _TILE + 2 * _GAP
_WIDTH = _LABEL + IMAGES_A_CLASS * (_TILE + _GAP) + 2 * _GAP
_INK, _SOFT, _STRIPES, _EMPTY = "#1c1c1c", "#6b6b6b", ("#ffffff", "#f3f5f7"), "#e3e6e9"


@dataclass(frozen=True)
class ClassRow:
    """`counts`: images by split; `thumbnails`: what `thumbnail` made, at most IMAGES_A_CLASS are shown."""

    label: str
    counts: Mapping[str, int]
    thumbnails: Sequence[bytes]


class Choice:
    """The images that a sheet shows: of each label a few usable ones, train images first, drawn by a seed whatever the
    order in which rows are added. Memory holds only those."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._best: dict[str, list[tuple[tuple[bool, int], str, Examined]]] = defaultdict(list)

    def add(self, row: Examined) -> None:
        if not row.usable:
            return
        best = self._best[row.label]
        # A heap gives up its smallest, so what is drawn first is the largest.
        entry = ((row.split == "train", -derive(self._seed, "sheet", row.id)), row.id, row)
        if len(best) < _SPARE * IMAGES_A_CLASS:
            heapq.heappush(best, entry)
        else:
            heapq.heappushpop(best, entry)

    def shown(self, label: str, left_out: frozenset[str]) -> list[Examined]:
        kept = (row for _, id_, row in sorted(self._best.get(label, ()), reverse=True) if id_ not in left_out)
        return list(islice(kept, IMAGES_A_CLASS))


def thumbnail(picture: bytes) -> bytes:
    """A small JPEG of a stored picture's bytes."""
    with Image.open(io.BytesIO(picture)) as image:
        image.draft("RGB", (2 * _TILE, 2 * _TILE))
        small = ImageOps.contain(image.convert("RGB"), (_TILE, _TILE), Image.Resampling.LANCZOS)
    return _jpeg(small)


def page_count(classes: int) -> int:
    return max(1, -(-classes // CLASSES_A_PAGE))


def pages(title: str, rows: Iterable[ClassRow], classes: int) -> Iterator[bytes]:
    """A JPEG a page. `rows` are read one page at a time; `classes` says how many there will be."""
    total, waiting = page_count(classes), iter(rows)
    for number in range(1, total + 1):
        heading = f"{title}, page {number} of {total}" if total > 1 else title
        yield _page(heading, list(islice(waiting, CLASSES_A_PAGE)))


def _page(title: str, rows: Sequence[ClassRow]) -> bytes:
    canvas = Image.new("RGB", (_WIDTH, _HEAD + _ROW * max(1, len(rows))), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((2 * _GAP, _HEAD / 2), textwrap.shorten(title, 90), _INK, _font(24), anchor="lm")
    for place, row in enumerate(rows):
        top = _HEAD + place * _ROW
        draw.rectangle((0, top, _WIDTH, top + _ROW), fill=_STRIPES[place % 2])
        _write_label(draw, row, top)
        for column, small in enumerate(row.thumbnails[:IMAGES_A_CLASS]):
            _paste(canvas, small, _LABEL + column * (_TILE + _GAP), top + _GAP)
    return _jpeg(canvas)


def _write_label(draw: ImageDraw.ImageDraw, row: ClassRow, top: int) -> None:
    lines = textwrap.wrap(row.label, 22, max_lines=3, placeholder=" …") or ["(no name)"]
    numbers = [f"{count} {split}" for split, count in row.counts.items() if count] or ["no images"]
    draw.text((2 * _GAP, top + _GAP), "\n".join(lines), _INK, _font(18))
    draw.text((2 * _GAP, top + _GAP + 24 * len(lines)), "\n".join(numbers), _SOFT, _font(13))


def _paste(canvas: Image.Image, small: bytes, left: int, top: int) -> None:
    with Image.open(io.BytesIO(small)) as image:
        canvas.paste(_EMPTY, (left, top, left + _TILE, top + _TILE))
        canvas.paste(image, (left + (_TILE - image.width) // 2, top + (_TILE - image.height) // 2))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _jpeg(image: Image.Image) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=88)
    return sink.getvalue()
