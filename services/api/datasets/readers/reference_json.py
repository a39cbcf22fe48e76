"""Reader of the reference's layout: `<name>-train.json` (and `-validation`, `-test`): [{id, img_path, label}], and
`<name>_visual_features.json`: {number: {name, visual_features}}. Image paths are relative to the JSON's folder or to
the folder above it."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.api.datasets.listing import Item, Listing, classes_of
from shared.errors import InvalidInput
from shared.types.records import Split

LAYOUT = "reference_json"
_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    id: int | str
    img_path: str
    label: str


class Features(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    name: str
    visual_features: tuple[str, ...]


def find(path: Path) -> Path | None:
    """The `-train.json`, given itself or its folder. Raises InvalidInput when the folder holds several."""
    if path.is_file():
        return path if path.name.endswith("-train.json") else None
    found = sorted(path.glob("*-train.json"))
    if len(found) > 1:
        raise InvalidInput(
            f"{path} holds several data sets: {', '.join(f.name for f in found)}",
            remedy="Give the path of one of these files.",
        )
    return found[0] if found else None


def read(train: Path) -> Listing:
    """Raises InvalidInput when a file is not what the layout says."""
    name = train.name.removesuffix("-train.json")
    entries = [(split, e) for split in _SPLITS for e in _entries(train.with_name(f"{name}-{split}.json"))]
    seen = Counter(str(entry.id) for _, entry in entries)
    bases = (train.parent, train.parent.parent)
    items = tuple(
        Item(
            # Ids may count within a split only.
            id=str(entry.id) if seen[str(entry.id)] == 1 else f"{split}-{entry.id}",
            path=_resolved(entry.img_path, bases),
            label=entry.label,
            split=split,
            source=entry.img_path,
        )
        for split, entry in entries
    )
    concepts = concepts_from(train.with_name(f"{name}_visual_features.json"))
    return Listing(LAYOUT, items, classes_of({item.label: item.label for item in items}), concepts)


def concepts_from(path: Path) -> Mapping[str, tuple[str, ...]] | None:
    """The concept bank in the file, without empty or repeated concepts; None when there is no file."""
    if not path.exists():
        return None
    features = _validated(path, TypeAdapter(dict[str, Features]))
    return {f.name: tuple(dict.fromkeys(c.strip() for c in f.visual_features if c.strip())) for f in features.values()}


def _entries(path: Path) -> list[Entry]:
    return _validated(path, TypeAdapter(list[Entry])) if path.exists() else []


def _validated(path: Path, shape: TypeAdapter[Any]) -> Any:
    try:
        return shape.validate_python(json.loads(path.read_bytes()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(
            f"{path.name}: {error.error_count()} fields are not as the layout says, first {where}: {first['msg']}",
            remedy="See docs/datasets.md for the layout.",
        ) from error
    except ValueError as error:
        raise InvalidInput(
            f"{path.name} is not JSON: {error}", remedy="Write it anew, or give another folder."
        ) from error


def _resolved(img_path: str, bases: tuple[Path, ...]) -> Path:
    """The first base that has the file; the first of all when none has, so that the report can name it."""
    candidates = [base / img_path for base in bases]
    return next((path for path in candidates if path.is_file()), candidates[0])
