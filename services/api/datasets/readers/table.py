"""Reader of a table: CSV or JSON lines with a row an image, its path and its label. Split, group and id may be told.
Paths are relative to the table's folder. Several tables are one data set when they are named by split (train.csv)."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from services.api.datasets.listing import Item
from services.api.datasets.readers import rows
from services.api.datasets.readers.columns import OPTIONS, parts
from services.api.datasets.readers.folders import SPLIT_OF, is_file, located
from services.api.datasets.readers.reader import Draft, Options, Reader, fault
from services.api.datasets.readers.rows import Row
from shared.errors import InvalidInput
from shared.types.records import Split

_LOOKED_AT = 20


def recognise(path: Path) -> str | None:
    for table in _files(path):
        found = parts(rows.header(table))
        if {"image", "label"} <= found.keys() and (path.is_file() or _leads_to_images(table, found["image"])):
            return f"{table.name} has the columns {found['image']} and {found['label']}"
    return None


def _leads_to_images(table: Path, column: str) -> bool:
    """Whether one of the first images is there; a table of something else lies in many a folder."""
    try:
        first = [row.values.get(column, "") for row in islice(rows.read(table), _LOOKED_AT)]
    except InvalidInput:
        return True  # reading it will tell what is wrong
    return any(name and is_file(located(name, _bases(table))) for name in first)


def read(path: Path, options: Options) -> Draft:
    return of_tables(_tables(path, options), path if path.is_dir() else path.parent, options)


def of_tables(tables: list[tuple[Path, Split | None]], root: Path, options: Options) -> Draft:
    """The rows of all tables as one data set. A split column counts before the table's own split."""
    items: dict[str, Item] = {}
    for table, split in tables:
        columns = parts(rows.header(table), options)
        if lacking := {"image", "label"} - columns.keys():
            raise fault(table, 1, f"there is no column for {min(lacking)}; name it with the option {min(lacking)}")
        for item, row in _items(table, columns, split, root):
            if item.id in items:
                raise fault(table, row.line, f"{item.id!r} was listed before")
            items[item.id] = item
    return Draft(tuple(items.values()))


def _items(table: Path, columns: dict[str, str], split: Split | None, root: Path) -> Iterator[tuple[Item, Row]]:
    bases = _bases(table)
    for row in rows.read(table):
        told = {part: row.values.get(column, "") for part, column in columns.items()}
        if not told["image"]:
            raise fault(table, row.line, f"{columns['image']} is empty")
        path = located(told["image"], bases)
        source = path.relative_to(root).as_posix() if path.is_relative_to(root) else told["image"]
        own = _split(told.get("split", ""), table, row.line) or split
        yield Item(told.get("id") or source, path, told["label"], own, source, group=told.get("group") or None), row


def _bases(table: Path) -> tuple[Path, ...]:
    """Paths are relative to the table; many write the bare names of what lies in `images`, or beside train.csv in
    `train`."""
    return (table.parent, table.parent / "images", table.parent / table.stem)


def _split(text: str, table: Path, line: int) -> Split | None:
    if text and text.lower() not in SPLIT_OF:
        raise fault(table, line, f"{text!r} is no split; use train, validation or test")
    return SPLIT_OF.get(text.lower())


def _files(path: Path) -> list[Path]:
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    return [f for f in candidates if f.suffix.lower() in rows.SUFFIXES and f.is_file() and not f.name.startswith(".")]


def _tables(path: Path, options: Options) -> list[tuple[Path, Split | None]]:
    files = _files(path)
    fit = [f for f in files if {"image", "label"} <= (parts(rows.header(f)).keys() | options.keys())]
    tables = [(f, _named_split(f.stem)) for f in (fit if len(files) > 1 else files)]
    if len(tables) > 1 and not all(split for _, split in tables):
        names = ", ".join(f.name for f, _ in tables)
        raise InvalidInput(f"{path} holds several tables: {names}", remedy="Give the path of one of them.")
    if not tables:
        raise InvalidInput(f"{path} holds no table with image and label", remedy="See docs/datasets.md for the layout.")
    return tables


def _named_split(stem: str) -> Split | None:
    """`train`, `birds_train` or `test-labels`; the name of one table alone may say nothing."""
    found = {SPLIT_OF[word] for word in re.split(r"[\W_]+", stem.lower()) if word in SPLIT_OF}
    return found.pop() if len(found) == 1 else None


READER = Reader(
    layout="table",
    looks_like="one `.csv`, `.tsv` or `.jsonl` with a column for the image's path (`image`, `path`, `file_name`, ...) "
    "and one for its label (`label`, `class`, ...), optionally `split`, `group`, `id`; or one a split (`train.csv`)",
    recognise=recognise,
    read=read,
    options=OPTIONS,
)
