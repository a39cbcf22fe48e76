"""Reads and judges a data set with no service running: layout, splits, every image, the whole.

Stores nothing. What ingest would say of the same path, this says too.
"""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.api.datasets.archives import check, is_archive, unpack
from services.api.datasets.layouts import detect, read_listing
from services.api.datasets.listing import Item, Listing
from services.api.datasets.sheet import Choice, ClassRow, pages, thumbnail
from services.api.datasets.splits import with_splits
from services.api.datasets.validation.examine import ImageRules, examine, lost
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.judge import Policy, Verdict, judge
from services.api.datasets.validation.pool import run_each
from services.api.datasets.validation.unlisted import of_unlisted
from shared.errors import DiskFull
from shared.types.records import Split

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Wishes:
    """What a user may choose. Shares as in `with_splits`; `processes` 0: one a core."""

    layout: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = "refuse"
    validation_share: float = 0.1
    test_share: float = 0.2
    seed: int = 0
    rules: ImageRules = field(default=ImageRules())
    processes: int = 0
    archive_limit_bytes: int = 200 << 30


@dataclass(frozen=True)
class Inspection:
    """`images` were looked at; `verdict` says what is wrong with them."""

    why: str
    listing: Listing
    images: int
    verdict: Verdict

    @property
    def is_usable(self) -> bool:
        return not self.verdict.report["errors_total"]

    def splits(self, label: str | None = None) -> dict[str, int]:
        """Images that remain, of all labels or of one."""
        counts: Counter[str] = Counter()
        for (of_label, split), number in self.verdict.counts.items():
            counts[split] += number if label in (None, of_label) else 0
        return {split: counts[split] for split in _SPLITS}

    def as_json(self) -> dict[str, Any]:
        """`layout`, `why`, `classes`, `splits`, `errors`, `warnings`, their totals, `counts` and `usable`."""
        return {
            "layout": self.listing.layout,
            "why": self.why,
            "classes": list(self.listing.labels),
            "splits": self.splits(),
            "usable": self.is_usable,
            "images": self.images,
            "left_out": len(self.verdict.left_out),
            **self.verdict.report,
        }


def inspect(
    path: Path,
    wishes: Wishes,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    write_page: Callable[[int, bytes], None] | None = None,
) -> Inspection:
    """The folder, list or archive at `path`. `on_progress(done, total)` is told of images; `write_page(number, jpeg)`
    gets the pages of a sample sheet, counted from 1. Raises InvalidInput when there is no known layout."""
    with _unpacked(path, wishes.archive_limit_bytes) as (place, roots):
        found = detect(place, wishes.layout, wishes.options)
        listing = read_listing(place, wishes.layout, wishes.options)
        listing = replace(listing, findings=(*listing.findings, *of_unlisted(listing, place)))
        items = with_splits(listing.items, wishes.seed, wishes.validation_share, wishes.test_share)
        choice = Choice(wishes.seed)
        verdict = judge(listing, _looked_at(items, roots, wishes, on_progress, choice), wishes.policy)
        inspection = Inspection(found.reason, listing, len(items), verdict)
        if write_page:
            rows = _class_rows(inspection, choice, items, roots, wishes)
            for number, page in enumerate(pages(path.name, rows, len(listing.classes)), start=1):
                write_page(number, page)
    return inspection


@contextmanager
def _unpacked(path: Path, limit_bytes: int) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Where the data set lies, and the folders that its images may lie in: of one's own folders, any."""
    if not (path.is_file() and is_archive(path)):
        yield path, (Path(path.absolute().anchor),)
        return
    with TemporaryDirectory(prefix="selfsynth-inspect-") as folder:
        check(path, limit_bytes)
        try:
            unpack(path, Path(folder), limit_bytes)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            remedy = "Unpack the archive yourself and inspect the folder, or set TMPDIR to a larger disk."
            raise DiskFull(f"there is no room to unpack {path} below {folder}", remedy=remedy) from error
        yield Path(folder), (Path(folder),)


def _looked_at(
    items: Sequence[Item],
    roots: Sequence[Path],
    wishes: Wishes,
    on_progress: Callable[[int, int], None],
    choice: Choice,
) -> Iterator[Examined]:
    look = partial(_look, roots=roots, rules=wishes.rules)
    with closing(run_each(look, items, _lost, processes=_processes(wishes))) as rows:
        for done, row in enumerate(rows, start=1):
            choice.add(row)
            on_progress(done, len(items))
            yield row


def _look(item: Item, roots: Sequence[Path], rules: ImageRules) -> Examined:
    return examine(item, roots, rules)[0]


def _lost(item: Item, why: str) -> Examined:
    return lost(item, "image_broken", f"{item.source} could not be decoded: {why}")


def _processes(wishes: Wishes) -> int:
    return wishes.processes or os.cpu_count() or 1


def _class_rows(
    inspection: Inspection, choice: Choice, items: Sequence[Item], roots: Sequence[Path], wishes: Wishes
) -> Iterator[ClassRow]:
    by_id = {item.id: item for item in items}
    small = partial(_thumbnail, roots=roots, rules=wishes.rules)
    for label in inspection.listing.labels:
        shown = [by_id[row.id] for row in choice.shown(label, inspection.verdict.left_out)]
        yield ClassRow(label, inspection.splits(label), [each for each in map(small, shown) if each])


def _thumbnail(item: Item, roots: Sequence[Path], rules: ImageRules) -> bytes | None:
    """None when the image is no longer what it was."""
    _, picture = examine(item, roots, rules)
    return thumbnail(picture) if picture else None
