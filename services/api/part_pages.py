"""Pages of an artefact's rows, by a cursor of part and row. Reads one part at a time; knows no row's meaning."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.artefacts import Part
from shared.errors import InvalidInput
from shared.objects import ObjectStore

Row = dict[str, Any]
Keep = Callable[[pa.Table], pa.Table]
BEGIN = "0.0"


def page_of(
    store: ObjectStore, parts: Sequence[Part], after: str, limit: int, keep: Keep
) -> tuple[list[Row], str | None]:
    """At most `limit` of the rows that `keep` leaves of each part, and the cursor to go on from; None at the end."""
    found: list[Row] = []
    for cursor, row in _rows(store, parts, _parsed(after), keep):
        if len(found) == limit:
            return found, cursor
        found.append(row)
    return found, None


def _rows(store: ObjectStore, parts: Sequence[Part], begin: tuple[int, int], keep: Keep) -> Iterator[tuple[str, Row]]:
    for number in range(begin[0], len(parts)):
        table = pq.read_table(io.BytesIO(store.get(parts[number].key)))
        table = table.append_column("at", [range(len(table))])
        for row in keep(table.slice(begin[1] if number == begin[0] else 0)).to_pylist():
            yield f"{number}.{row.pop('at')}", row


def _parsed(after: str) -> tuple[int, int]:
    part, _, row = after.partition(".")
    if not (part.isdecimal() and row.isdecimal() and len(after) < 20):
        raise InvalidInput(f"the cursor {after!r} is none of ours", remedy="Give `next` of the last answer, or none.")
    return int(part), int(row)
