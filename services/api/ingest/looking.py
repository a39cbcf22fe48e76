"""Looks at every image of a data set in several processes, which put the pictures into the store as they go.

A picture is stored once, by the hash of its bytes, for all data sets. Leaves one `Examined` row an image, in parts.
"""

import hashlib
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from services.api.datasets.instructions import Conversation
from services.api.datasets.listing import Item
from services.api.datasets.validation.examine import ImageRules, examine, lost
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.pool import run_each
from shared.artefacts import ArtefactWriter
from shared.objects import ObjectStore
from shared.worker.context import StepContext

_PUSH_EVERY_S = 0.5


@dataclass(frozen=True)
class Look:
    """What a worker process does with an item. Raises the store's errors; a bad image is a row like any other."""

    store: ObjectStore
    roots: tuple[Path, ...]
    rules: ImageRules

    def __call__(self, item: Item) -> Examined:
        row, picture = examine(item, self.roots, self.rules)
        if picture is not None:
            key = image_key(row.stored_key_name)
            # Compared by size too: what a crash of the machine has torn is mended.
            if self.store.size_bytes(key) != len(picture):
                self.store.put(key, picture)
        return row


def image_key(stored_name: str) -> str:
    """`images/ab/abcd....jpg`: one folder never holds too many."""
    return f"images/{stored_name[:2]}/{stored_name}"


def listing_hash(items: Iterable[Item], conversations: Iterable[Conversation] = ()) -> str:
    """Tells whether parts that an earlier attempt left are of the same items in the same order."""
    found = hashlib.sha256()
    for item in items:
        found.update(repr((item.id, item.label, item.split, item.group, item.source)).encode())
    for each in conversations:
        found.update(repr(each).encode())
    return found.hexdigest()


def look_at_all(
    context: StepContext, writer: ArtefactWriter[Examined], parts: Sequence[Sequence[Item]], look: Look, processes: int
) -> None:
    """Write every part that is missing. Images of a complete part are not opened again. No `processes` at all: this
    one looks itself, and an image that kills a decoder ends it."""
    missing = [number for number in range(len(parts)) if number not in writer.done]
    meter = _Meter(context, sum(map(len, parts)), sum(len(parts[number]) for number in missing))
    items = chain.from_iterable(parts[number] for number in missing)
    with closing(_rows(look, items, processes)) as results:
        for number in missing:
            rows = []
            for _ in parts[number]:
                context.check()
                rows.append(next(results))
                meter.count()
            writer.put(number, rows)
    meter.push()


def _rows(look: Look, items: Iterable[Item], processes: int) -> Generator[Examined, None, None]:
    if processes:
        yield from run_each(look, items, _lost, processes=processes)
    else:
        yield from map(look, items)


def _lost(item: Item, why: str) -> Examined:
    return lost(item, "image_broken", f"{item.source} could not be looked at: {why}")


class _Meter:
    """Counts images and tells the coordinator now and then; the rate is that of this attempt, from its first image on,
    since processes take a while to start."""

    def __init__(self, context: StepContext, total: int, to_do: int) -> None:
        self._context, self._total = context, total
        self._before = self._done = total - to_do
        self._began = self._pushed = 0.0

    def count(self) -> None:
        self._began = self._began or time.monotonic()
        self._done += 1
        if time.monotonic() - self._pushed > _PUSH_EVERY_S:
            self.push()

    def push(self) -> None:
        self._pushed = time.monotonic()
        rate = (self._done - self._before) / max(self._pushed - self._began, _PUSH_EVERY_S)
        self._context.progress(self._done, self._total, {"images_per_s": round(rate, 1)})
