"""Fetches an item's bytes, from a file of its own or from inside a Parquet file. Knows nothing of pictures.

Parquet is read forwards in small batches, so memory holds a page or two, however large a row group is. Asking in the
order of the listing is quick; asking for an earlier row of a row group begins that row group anew.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.api.datasets.listing import Cell, Item

_ROWS_A_BATCH = 16
_BUFFER_BYTES = 1 << 20
_per_thread = threading.local()


def read_bytes(item: Item) -> bytes:
    """All bytes of the item as stored; empty when its cell is. Raises OSError when they cannot be read. Any number of
    threads and processes may ask at once."""
    if item.cell is None:
        return item.path.read_bytes()
    try:
        return _read_cell(item.path, item.cell)
    except pa.ArrowException as error:
        raise OSError(f"row {item.cell.row} of row group {item.cell.row_group} is unreadable: {error}") from error


def _read_cell(path: Path, cell: Cell) -> bytes:
    cursor: _Cursor | None = getattr(_per_thread, "cursor", None)
    _per_thread.cursor = None  # one that failed is not asked again
    if cursor is None or not cursor.can_reach(path, cell):
        if cursor:
            cursor.close()
        cursor = _Cursor(path, cell)
    value = cursor.value(cell.row)
    _per_thread.cursor = cursor
    return value


class _Cursor:
    """One column of one row group, read forwards."""

    def __init__(self, path: Path, cell: Cell) -> None:
        self._key = (path, cell.row_group, cell.column)
        self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES)
        self._batches: Iterator[pa.RecordBatch] = self._file.iter_batches(
            _ROWS_A_BATCH, row_groups=[cell.row_group], columns=[cell.column], use_threads=False
        )
        self._first, self._held = 0, pa.array([])

    def can_reach(self, path: Path, cell: Cell) -> bool:
        return self._key == (path, cell.row_group, cell.column) and cell.row >= self._first

    def value(self, row: int) -> bytes:
        while row >= self._first + len(self._held):
            self._first += len(self._held)
            self._held = pa.array([])
            batch = next(self._batches, None)
            if batch is None or not batch.num_columns:
                raise OSError(f"there is no row {row} with a column {self._key[2]} in its row group")
            self._held = batch.column(0)
        value: Any = self._held[row - self._first].as_py()
        while isinstance(value, dict):
            value = next(iter(value.values()))
        return value or b""

    def close(self) -> None:
        self._file.close()
