"""Lists the images inside Parquet files, as Hugging Face writes them. Labels and names are read, the images are not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.api.datasets.listing import Cell, Item
from services.api.datasets.readers.folders import SPLIT_OF, located
from services.api.datasets.readers.parquet_schema import Columns, columns
from services.api.datasets.readers.reader import Draft, Options
from shared.errors import InvalidInput
from shared.types.records import Split

_ROWS_A_BATCH = 1024


def read(files: list[tuple[Path, Split | None]], root: Path, options: Options) -> Draft:
    """Raises InvalidInput when a file is unreadable, lacks a column, or has other classes than those before it."""
    items: list[Item] = []
    names: tuple[str, ...] | None = None
    for path, split in files:
        file = _File(path, path.relative_to(root).as_posix(), split, columns(path, options))
        if names not in (None, file.columns.names):
            raise InvalidInput(f"{path} has other classes than the files before it", remedy="Give one of the folders.")
        names = file.columns.names
        items += file.items()
    return Draft(tuple(items), names or ())


@dataclass(frozen=True)
class _File:
    path: Path
    source: str
    split: Split | None
    columns: Columns

    def items(self) -> Iterator[Item]:
        try:
            with pq.ParquetFile(self.path) as opened:
                for group in range(opened.num_row_groups):
                    yield from self._of_group(opened, group)
        except (pa.ArrowException, OSError) as error:
            raise InvalidInput(f"{self.path} is broken: {error}", remedy="Download it anew.") from error

    def _of_group(self, opened: pq.ParquetFile, group: int) -> Iterator[Item]:
        is_inside = self._has_bytes(opened.metadata.row_group(group))
        wanted = [name for part, name in self.columns.of.items() if part != "image"]
        if self.columns.image_path:
            wanted.append(self.columns.image_path)
        rows = (
            row
            for batch in opened.iter_batches(_ROWS_A_BATCH, row_groups=[group], columns=wanted)
            for row in batch.to_pylist()
        )
        for number, row in enumerate(rows):
            yield self._item(row, Cell(group, number, self.columns.image_bytes), is_inside)

    def _item(self, row: dict[str, Any], cell: Cell, is_inside: bool) -> Item:
        told = {part: row.get(name) for part, name in self.columns.of.items()}
        source = f"{self.source}#{cell.row_group}.{cell.row}"
        name = _text((told["image"] or {}).get("path"))
        is_file = bool(name) and not is_inside
        return Item(
            id=_text(told.get("id")) or source,
            path=located(name, (self.path.parent,)) if is_file else self.path,
            label=self._label(told["label"], source),
            split=self._split(_text(told.get("split")), source),
            source=f"{source} ({name})" if name else source,
            group=_text(told.get("group")) or None,
            cell=None if is_file else cell,
        )

    def _label(self, value: Any, source: str) -> str:
        """The class's name; empty where there is none (Hugging Face writes -1 for unknown)."""
        if value is None or not self.columns.names or not isinstance(value, int):
            return _text(value)
        if value >= len(self.columns.names):
            raise InvalidInput(f"{source}: there is no class number {value}", remedy="Download the file anew.")
        return self.columns.names[value] if value >= 0 else ""

    def _split(self, text: str, source: str) -> Split | None:
        if text and text.lower() not in SPLIT_OF:
            raise InvalidInput(f"{source}: {text!r} is no split", remedy="Use train, validation or test.")
        return SPLIT_OF.get(text.lower(), self.split)

    def _has_bytes(self, group: pq.RowGroupMetaData) -> bool:
        """Whether any row of the group holds its image; otherwise the rows name files."""
        chunks = [group.column(k) for k in range(group.num_columns)]
        chunk = next((c for c in chunks if c.path_in_schema == self.columns.image_bytes), None)
        statistics = chunk.statistics if chunk else None
        return not (statistics and statistics.has_null_count and statistics.null_count == group.num_rows)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
