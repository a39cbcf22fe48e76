"""Reads text files of `first rest of the line`, as image lists are published. Knows no data set."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.api.datasets.readers.reader import fault
from shared.errors import InvalidInput


@dataclass(frozen=True)
class Pair:
    line: int
    first: str
    rest: str


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of each line that is not blank. Raises InvalidInput for a file that is absent or no text."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InvalidInput(f"{path} is missing", remedy="Unpack the whole data set (docs/datasets.md).") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8 text", remedy="Take the publisher's file anew.") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def pairs(path: Path) -> Iterator[Pair]:
    """Raises InvalidInput for a line without two words, or with a first word that came before."""
    seen: set[str] = set()
    for number, line in lines(path):
        first, _, rest = line.partition(" ")
        if not rest.strip():
            raise fault(path, number, f"{line!r} should be two words")
        if first in seen:
            raise fault(path, number, f"{first} is there twice")
        seen.add(first)
        yield Pair(number, first, rest.strip())
