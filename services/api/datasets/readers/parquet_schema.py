"""Finds out what the columns of a Parquet file of images are: by their names, and by what Hugging Face writes into the
schema. Reads no row."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.api.datasets.readers.columns import parts
from services.api.datasets.readers.reader import Options
from shared.errors import InvalidInput


@dataclass(frozen=True)
class Columns:
    """The column of each part; where an image's bytes and file name are; the names of the label's numbers, if any."""

    of: dict[str, str]
    image_bytes: str
    image_path: str | None
    names: tuple[str, ...]


def holds_images(file: Path) -> bool:
    try:
        return {"image", "label"} <= _parts(pq.read_schema(file), {}).keys()
    except (pa.ArrowException, OSError):
        return False


def columns(file: Path, options: Options) -> Columns:
    """Raises InvalidInput when the file cannot be read, or has no column for image and label."""
    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file} is no Parquet file: {error}", remedy="Download it anew.") from error
    found = _parts(schema, options)
    if lacking := {"image", "label"} - found.keys():
        raise InvalidInput(
            f"{file} has no fit column for {min(lacking)}; it has {', '.join(schema.names)}",
            remedy=f"Name it with the option {min(lacking)}: images are bytes, a label is one value.",
        )
    image = found["image"]
    fields = _fields(schema.field(image).type)
    return Columns(
        of=found,
        image_bytes=f"{image}.bytes" if fields else image,
        image_path=f"{image}.path" if "path" in fields else None,
        names=_class_names(schema, found["label"]),
    )


def _parts(schema: pa.Schema, options: Options) -> dict[str, str]:
    by_kind = {}
    for part, kind in (("image", "Image"), ("label", "ClassLabel")):
        told = [name for name, feature in _features(schema).items() if feature.get("_type") == kind]
        if len(told) == 1 and told[0] in schema.names:
            by_kind[part] = told[0]
    found = by_kind | parts(schema.names, options)
    return {part: name for part, name in found.items() if _is_fit(part, schema.field(name).type)}


def _is_fit(part: str, kind: pa.DataType) -> bool:
    if part == "image":
        return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or "bytes" in _fields(kind)
    return not pa.types.is_nested(kind)


def _fields(kind: pa.DataType) -> set[str]:
    return {kind.field(k).name for k in range(kind.num_fields)} if pa.types.is_struct(kind) else set()


def _class_names(schema: pa.Schema, label: str) -> tuple[str, ...]:
    names = _features(schema).get(label, {}).get("names") or ()
    return tuple(map(str, names.values() if isinstance(names, dict) else names))


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, AttributeError, KeyError, TypeError):  # written by others, or in another form
        return {}
