"""Fetching an item's bytes."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.listing import Cell, Item
from services.api.datasets.opening import read_bytes


def item(path: Path, cell: Cell | None = None) -> Item:
    return Item(id="1", path=path, label="a", split=None, source="x", cell=cell)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 rows in row groups of 40; row n holds the bytes of str(n), row 7 is null."""
    path = tmp_path_factory.mktemp("table") / "rows.parquet"
    images = [{"bytes": None if n == 7 else str(n).encode(), "path": f"{n}.png"} for n in range(100)]
    pq.write_table(pa.table({"image": images, "plain": [str(n).encode() for n in range(100)]}), path, row_group_size=40)
    return path


def test_a_file_of_its_own_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"picture")
    assert read_bytes(item(tmp_path / "a.jpg")) == b"picture"
    with pytest.raises(OSError, match="No such file"):
        read_bytes(item(tmp_path / "b.jpg"))


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.integers(0, 99), min_size=1, max_size=8), column=st.sampled_from(["image.bytes", "plain"]))
def test_cells_are_read_in_any_order(table: Path, rows: list[int], column: str) -> None:
    for row in rows:
        expected = b"" if row == 7 and column == "image.bytes" else str(row).encode()
        assert read_bytes(item(table, Cell(row // 40, row % 40, column))) == expected


@pytest.mark.parametrize("cell", [Cell(0, 40, "plain"), Cell(9, 0, "plain"), Cell(0, 0, "absent")])
def test_a_cell_that_is_not_there_is_told(table: Path, cell: Cell) -> None:
    with pytest.raises(OSError):  # noqa: PT011
        read_bytes(item(table, cell))
    assert read_bytes(item(table, Cell(0, 3, "plain"))) == b"3", "the fault leaves nothing behind"


def test_what_is_no_parquet_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(OSError, match="unreadable"):
        read_bytes(item(tmp_path / "x.parquet", Cell(0, 0, "image")))
