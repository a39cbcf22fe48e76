"""Reads tables of text: CSV with any usual delimiter, and JSON lines. Knows no data set."""

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from services.api.datasets.readers.reader import fault
from shared.errors import InvalidInput

SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".jsonl", ".ndjson"})
_JSON = frozenset({".jsonl", ".ndjson"})
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Row:
    """`values` are stripped texts by column name, as the file writes it; a JSON null is an empty text."""

    line: int
    values: dict[str, str]


def header(path: Path) -> tuple[str, ...]:
    """The column names, or those of the first JSON line; empty when the file is no such table."""
    try:
        if path.suffix.lower() in _JSON:
            return tuple(next(read(path), Row(0, {})).values)
        with _opened(path, errors="replace") as file:  # what is wrong is told when the rows are read
            return _columns(file.readline(1 << 20))[1]
    except (InvalidInput, OSError):
        return ()


def read(path: Path) -> Iterator[Row]:
    """Row by row. Raises InvalidInput that names the line which is not as it should be."""
    with _opened(path) as file:
        yield from _json_rows(path, file) if path.suffix.lower() in _JSON else _csv_rows(path, file)


@contextmanager
def _opened(path: Path, errors: str = "strict") -> Iterator[IO[str]]:
    """UTF-8 with or without a byte order mark, or UTF-16 with one: no encoding is guessed, labels would suffer."""
    try:
        with path.open("rb") as raw:
            encoding = "utf-16" if raw.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        with path.open(encoding=encoding, errors=errors, newline="") as file:
            yield file
    except FileNotFoundError as error:
        raise InvalidInput(f"{path} is missing", remedy="Give the path of a table that is there.") from error
    except UnicodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8 text: {error}", remedy="Save it as UTF-8.") from error


def _columns(first_line: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter that cuts the header into the most columns, and the columns."""
    cut = {d: next(csv.reader([first_line], delimiter=d), []) for d in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda d: len(cut[d]))
    return delimiter, tuple(name.strip() for name in cut[delimiter])


def _csv_rows(path: Path, file: IO[str]) -> Iterator[Row]:
    try:
        delimiter, columns = _columns(file.readline())
        if len(set(columns)) < len(columns):
            raise fault(path, 1, "two columns have the same name")
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise fault(path, reader.line_num + 1, f"{len(cells)} columns instead of {len(columns)}")
            yield Row(reader.line_num + 1, dict(zip(columns, (cell.strip() for cell in cells), strict=True)))
    except csv.Error as error:
        raise InvalidInput(f"{path.name} is no readable CSV: {error}", remedy="Write the file anew.") from error


def _json_rows(path: Path, file: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise fault(path, number, f"not JSON: {error}") from error
        if not isinstance(content, dict):
            raise fault(path, number, "not a JSON object")
        yield Row(number, {name: "" if value is None else str(value).strip() for name, value in content.items()})
