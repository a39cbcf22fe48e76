"""Finds images that lie among the listed ones and are on no list. Opens none of them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.api.datasets.listing import Finding, Listing
from services.api.datasets.validation.foreign import is_image_name
from services.api.datasets.validation.lines import line

_NAMED = 3
# Where the reader says that it left images out, they need not be told one by one.
_EXPLAINS = ("several_labels", "list_missing")


def of_unlisted(listing: Listing, path: Path) -> tuple[Finding, ...]:
    """One finding a folder, of the folders below the one that holds all listed images. `path` is where the data set
    lies; nothing is looked for when its images lie far from it."""
    listed = {os.path.abspath(item.path) for item in listing.items}
    base = _base(listed)
    is_explained = any(finding.code in _EXPLAINS for finding in listing.findings)
    if base is None or is_explained or not _is_its_own(base, Path(os.path.abspath(path))):
        return ()
    told = {Path(finding.file).name for finding in listing.findings if finding.file}
    found = []
    for folder, names in _images_by_folder(base):
        strangers = [n for n in names if n not in told and os.path.join(folder, n) not in listed]
        if strangers and folder.name not in told:
            found.append(_finding(folder.relative_to(base), strangers))
    return tuple(found)


def _base(listed: Iterable[str]) -> Path | None:
    folders = {os.path.dirname(each) for each in listed}
    return Path(os.path.commonpath(folders)) if folders else None


def _is_its_own(base: Path, path: Path) -> bool:
    """Whether the folder is the data set's: below its path, or beside it (lists may lie apart from the images)."""
    return base.is_relative_to(path) or (base.is_relative_to(path.parent) and not path.is_relative_to(base))


def _images_by_folder(base: Path) -> Iterator[tuple[Path, list[str]]]:
    for folder, below, names in os.walk(base):
        below[:] = sorted(name for name in below if not name.startswith((".", "__MACOSX")))
        yield Path(folder), sorted(name for name in names if is_image_name(name) and not name.startswith("."))


def _finding(folder: Path, names: list[str]) -> Finding:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    where = f"in {folder.as_posix()}" if folder.parts else "beside the others"
    message = f"{len(names)} on no list {where}: {', '.join(names[:_NAMED])}{more}"
    return line("image_unlisted", message, (folder / names[0]).as_posix())
