"""Reader of the reference's layout: `<name>-train.json` (and `-validation`, `-test`): [{id, img_path, label}], and
`<name>_visual_features.json`, the concept bank. Image paths are relative to the JSON's folder or to the one above."""

import json
from collections import Counter
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.api.datasets.listing import Item
from services.api.datasets.readers.folders import located
from services.api.datasets.readers.reader import Draft, Options, Reader
from shared.errors import InvalidInput
from shared.types.records import Split

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_TRAIN = "-train.json"


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    id: int | str
    img_path: str
    label: str


_ENTRIES = TypeAdapter(list[Entry])


def recognise(path: Path) -> str | None:
    found = _trains(path)
    return f"it holds {', '.join(f.name for f in found)}" if found else None


def read(path: Path, _options: Options) -> Draft:
    found = _trains(path)
    if len(found) != 1:
        names = ", ".join(f.name for f in found) or "no data set"
        raise InvalidInput(f"{path} holds {names}", remedy=f"Give the path of one {_TRAIN} file.")
    train = found[0]
    name = train.name.removesuffix(_TRAIN)
    entries = [(split, e) for split in _SPLITS for e in _entries(train.with_name(f"{name}-{split}.json"))]
    seen = Counter(str(entry.id) for _, entry in entries)
    bases = (train.parent, train.parent.parent)
    items = tuple(
        Item(
            # Ids may count within a split only.
            id=str(entry.id) if seen[str(entry.id)] == 1 else f"{split}-{entry.id}",
            path=located(entry.img_path, bases),
            label=entry.label,
            split=split,
            source=entry.img_path,
        )
        for split, entry in entries
    )
    bank = train.with_name(f"{name}_visual_features.json")
    return Draft(items, bank=bank if bank.is_file() else None)


def _trains(path: Path) -> list[Path]:
    """The `-train.json` files: the path itself, or those in the folder."""
    if path.is_file():
        return [path] if path.name.endswith(_TRAIN) else []
    return sorted(path.glob(f"*{_TRAIN}"))


def _entries(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    try:
        return _ENTRIES.validate_python(json.loads(path.read_bytes()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(
            f"{path.name}: {error.error_count()} fields are not as the layout says, first {where}: {first['msg']}",
            remedy="See docs/datasets.md for the layout.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{path.name} is not JSON: {error}", remedy="Write it anew, or give another folder."
        ) from error


READER = Reader(
    layout="reference_json",
    looks_like="`NAME-train.json`, `NAME-test.json`, optionally `NAME-validation.json` (lists of `id`, `img_path`, "
    "`label`) and `NAME_visual_features.json` (the concept bank)",
    recognise=recognise,
    read=read,
)
