"""Finds out which layout a path has, and reads it. One reader a layout."""

from pathlib import Path

from services.api.datasets.listing import Listing
from services.api.datasets.readers import class_folders, reference_json
from shared.errors import InvalidInput


def read_listing(path: Path) -> Listing:
    """The data set at `path`: a folder, or a `-train.json`. Raises InvalidInput when no reader knows the layout."""
    if not path.exists():
        raise InvalidInput(f"there is nothing at {path}", remedy="Give a path that the coordinator's machine can read.")
    for place in _places(path):
        if train := reference_json.find(place):
            return reference_json.read(train)
    folder = _unwrapped(path)
    if folder.is_dir() and class_folders.matches(folder):
        return class_folders.read(folder)
    raise InvalidInput(
        f"{path} has no layout that is known here",
        remedy="Give a folder with <name>-train.json, or one with a folder of images a class (docs/datasets.md).",
    )


def _places(path: Path) -> list[Path]:
    """Where the JSON may lie: at the path, or one folder below it."""
    if path.is_file():
        return [path]
    return [path, *(f for f in class_folders.folders_in(path) if any(f.glob("*-train.json")))]


def _unwrapped(path: Path) -> Path:
    """Archives often hold one folder that holds everything. One that holds images itself is a class."""
    while path.is_dir() and not class_folders.has_splits(path):
        inside = class_folders.folders_in(path)
        if len(inside) != 1 or class_folders.is_class(inside[0]):
            break
        path = inside[0]
    return path
