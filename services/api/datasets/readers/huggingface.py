"""Reader of a local Hugging Face data set: an image folder with `metadata.csv` or `.jsonl`, or Parquet files that hold
the images. Read with pyarrow alone; no image is opened."""

import re
from pathlib import Path

from services.api.datasets.readers import parquet, parquet_schema, rows
from services.api.datasets.readers.columns import OPTIONS, parts
from services.api.datasets.readers.folders import SPLIT_OF, places_in
from services.api.datasets.readers.reader import Draft, Options, Reader
from services.api.datasets.readers.table import of_tables
from shared.errors import InvalidInput
from shared.types.records import Split

_METADATA = ("metadata.csv", "metadata.jsonl")
_ARROW = ("dataset_dict.json", "state.json")


def recognise(folder: Path) -> str | None:
    if not folder.is_dir():
        return None
    for table, _ in _tables(folder):
        if {"image", "label"} <= parts(rows.header(table)).keys():
            return f"{table.relative_to(folder)} tells the labels of an image folder"
    if files := _parquet(folder):
        return f"{files[0].relative_to(folder)} holds images" if parquet_schema.holds_images(files[0]) else None
    return next((f"it holds {name} of save_to_disk" for name in _ARROW if (folder / name).is_file()), None)


def read(folder: Path, options: Options) -> Draft:
    if tables := _tables(folder):
        return of_tables(tables, folder, options)
    if files := _parquet(folder):
        return parquet.read([(file, _split_of(file.relative_to(folder))) for file in files], folder, options)
    if any((folder / name).is_file() for name in _ARROW):
        raise InvalidInput(
            f"{folder} was written by save_to_disk, in Arrow files", remedy="Write each split with to_parquet instead."
        )
    raise InvalidInput(
        f"{folder} holds neither {' nor '.join(_METADATA)} nor Parquet files",
        remedy="Give the folder of a Hugging Face data set.",
    )


def _tables(folder: Path) -> list[tuple[Path, Split | None]]:
    """The metadata of the folder, or that of each split's folder."""
    places = dict.fromkeys([*places_in(folder), (folder, None)])
    return [(place / name, split) for place, split in places for name in _METADATA if (place / name).is_file()]


def _parquet(folder: Path) -> list[Path]:
    """In the folder or below it, as `data/train-00000-of-00001.parquet` or `train/0000.parquet`."""
    patterns = ("*.parquet", "*/*.parquet", "*/*/*.parquet")
    return sorted(file for pattern in patterns for file in folder.glob(pattern) if not file.name.startswith("."))


def _split_of(file: Path) -> Split | None:
    """By the file's name, or else by a folder's above it."""
    for name in (file.stem, *(folder.name for folder in file.parents)):
        found = {SPLIT_OF[word] for word in re.split(r"[\W_]+", name.lower()) if word in SPLIT_OF}
        if len(found) == 1:
            return found.pop()
    return None


READER = Reader(
    layout="huggingface",
    looks_like="`metadata.csv` or `metadata.jsonl` with `file_name` and a label, beside the images or in each split's "
    "folder; or Parquet files that hold images, such as `data/train-00000-of-00001.parquet`",
    recognise=recognise,
    read=read,
    options=OPTIONS,
)
