"""Finds out which layout a path has, and reads it with that layout's reader."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.api.datasets.drafts import completed
from services.api.datasets.listing import Listing
from services.api.datasets.names import key
from services.api.datasets.readers.folders import folders_in
from services.api.datasets.readers.reader import Options, Reader
from services.api.datasets.readers.registry import READERS
from shared.errors import InvalidInput

# Archives wrap folders in folders; beyond this many a folder is no wrapping.
_DEPTH, _FOLDERS = 4, 64


@dataclass(frozen=True)
class Detected:
    """The layout of what lies at `place` (the path, or a folder below it), and why it is held for that."""

    layout: str
    reason: str
    place: Path


def detect(path: Path, layout: str | None = None, options: Options | None = None) -> Detected:
    """The layout of a file or folder. Layouts are looked for at the path, then in the folders below. A published layout
    outranks a general one; of several equals one is taken when all read the same. Raises InvalidInput that lists the
    candidates when they do not, and when no layout is known."""
    with _unreadable_is_told():
        return _detected(path, layout, options or {})[0]


def read_listing(path: Path, layout: str | None = None, options: Options | None = None) -> Listing:
    """The data set at `path`. `layout` names one reader, which is then asked alone, with its `options`. Raises
    InvalidInput."""
    with _unreadable_is_told():
        found, listing = _detected(path, layout, options or {})
        return listing or _read(found, path, options or {})


@contextmanager
def _unreadable_is_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(
            f"{error.filename or 'a file'} cannot be read: {error.strerror or error}",
            remedy="Let the coordinator read it.",
        ) from error


def _detected(path: Path, layout: str | None, options: Options) -> tuple[Detected, Listing | None]:
    """With the listing, where it had to be read to know."""
    if not path.exists():
        raise InvalidInput(
            f"there is nothing at {path}", remedy="Give a path that can be read on the machine that looks."
        )
    readers = _readers(layout)
    for places in _levels(path):
        found = [candidate for place in places for candidate in _outranking(place, readers)]
        if found:
            return _agreed(found, path, options)
    if layout is not None:
        return Detected(layout, "it was asked for", path), None
    raise InvalidInput(
        f"{path} {_emptiness(path)}has no layout that is known here: {', '.join(READERS)}",
        remedy="Give a folder with at least two folders of images, one a class, or a table of images and labels "
        "(docs/datasets.md).",
    )


def _emptiness(path: Path) -> str:
    if path.is_file():
        return "is a file, neither an archive nor a table, and "
    return "" if any(path.iterdir()) else "is empty and "


def _readers(layout: str | None) -> Mapping[str, Reader]:
    if layout is None:
        return READERS
    if layout not in READERS:
        raise InvalidInput(f"there is no layout {layout!r}", remedy=f"There are: {', '.join(READERS)}.")
    return {layout: READERS[layout]}


def _levels(path: Path) -> Iterator[list[Path]]:
    level = [path]
    for _ in range(_DEPTH):
        yield level
        level = [folder for place in level for folder in folders_in(place)]
        if not 0 < len(level) <= _FOLDERS:
            return


def _outranking(place: Path, readers: Mapping[str, Reader]) -> list[Detected]:
    """All readers that know the place; only the published layouts if there is one."""
    reasons = {layout: reader.recognise(place) for layout, reader in readers.items()}
    found = [Detected(layout, reason, place) for layout, reason in reasons.items() if reason]
    return [each for each in found if readers[each.layout].published] or found


def _agreed(found: list[Detected], path: Path, options: Options) -> tuple[Detected, Listing | None]:
    if len(found) == 1:
        return found[0], None
    listings: list[Listing] = []
    candidates = "; ".join(f"{each.layout} at {each.place} ({each.reason})" for each in found)
    if len({each.place for each in found}) == 1:
        try:
            listings += (_read(each, path, {}) for each in found)
        except InvalidInput as error:
            candidates += f"; {error.message}"
        if len({_table(listing) for listing in listings}) == 1 and len(listings) == len(found):
            return found[0], None if options else listings[0]
    raise InvalidInput(
        f"{path} could be several data sets: {candidates}",
        remedy="Give the path of one of them, or name its layout with the option `layout`.",
        code="ambiguous_layout",
    )


def _table(listing: Listing) -> frozenset[tuple[object, ...]]:
    """What two readers must agree on."""
    return frozenset((item.path, item.cell, item.split, key(item.label)) for item in listing.items)


def _read(found: Detected, path: Path, options: Options) -> Listing:
    reader = READERS[found.layout]
    draft = reader.read(found.place, reader.checked(options))
    return completed(draft, reader, found.place, _between(found.place, path))


def _between(place: Path, path: Path) -> list[Path]:
    """The folders from the place up to the path, never above it."""
    folders = [folder for folder in (place, *place.parents) if folder.is_relative_to(path)]
    return folders if path.is_dir() else [path.parent]
