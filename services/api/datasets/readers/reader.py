"""What a reader is: one layout's name, how to know it, and how to read it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.api.datasets.listing import Listing


@dataclass(frozen=True)
class Reader:
    """`recognise` says why a folder has the layout, or None; it must be quick and open no image. `read` raises
    InvalidInput that names the file and the line when the layout's own files are not as they should be.

    A `published` layout is one data set's own; it is held for more telling than a general one that fits too.
    `looks_like` is one line for docs/datasets.md.
    """

    layout: str
    looks_like: str
    recognise: Callable[[Path], str | None]
    read: Callable[[Path], Listing]
    published: bool = False
