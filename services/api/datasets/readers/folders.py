"""Looks at folders: which hold images, which are splits, where a listed file lies. Opens no file."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from shared.types.records import Split

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
SPLIT_OF: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
ORDER: tuple[Split, ...] = ("train", "validation", "test")


def folders_in(folder: Path) -> list[Path]:
    """Sorted, without hidden ones and what macOS leaves in archives. A file has none."""
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if not f.name.startswith((".", "__MACOSX")) and f.is_dir())


def splits_in(folder: Path) -> list[tuple[Path, Split]]:
    """The folders named like a split, train first."""
    found = [(f, SPLIT_OF[f.name.lower()]) for f in folders_in(folder) if f.name.lower() in SPLIT_OF]
    return sorted(found, key=lambda place: ORDER.index(place[1]))


def places_in(folder: Path) -> list[tuple[Path, Split | None]]:
    """Where class folders lie: in each split's folder, or in the folder itself."""
    return [*splits_in(folder)] or [(folder, None)]


def is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")


def has_images(folder: Path) -> bool:
    """Whether an image lies in the folder itself."""
    with os.scandir(folder) as entries:
        return any(is_image(entry.name) for entry in entries)


def images_below(folder: Path) -> list[Path]:
    """Every image at any depth, sorted. Links to folders are not followed."""
    return sorted(Path(root, name) for root, _, names in os.walk(folder) for name in names if is_image(name))


def by_stem(folders: Iterable[Path]) -> dict[str, Path]:
    """Images by their names without suffix; of two with one name the first folder's counts."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in images_below(folder):
            found.setdefault(path.stem, path)
    return found


def located(listed: str, bases: Iterable[Path]) -> Path:
    """The file that a list names, relative to the first base that has it. Absent everywhere: where the first would have
    it, so that the report can name it."""
    candidates = [base / name for name in _spellings(listed) for base in bases]
    return next((path for path in candidates if is_file(path)), candidates[0])


def _spellings(listed: str) -> Iterator[str]:
    yield listed
    if "\\" in listed:  # written on Windows
        yield listed.replace("\\", "/")


def is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for the file system
        return False
