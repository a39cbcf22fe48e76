"""Reader of CUB-200-2011 as published: 200 bird species, with a train and test split."""

from pathlib import Path
from typing import TypeVar

from services.api.datasets.listing import Item
from services.api.datasets.readers.lines import pairs
from services.api.datasets.readers.reader import Draft, Options, Reader, fault
from shared.types.domain import Domain
from shared.types.records import Split

_SPLIT_OF: dict[str, Split] = {"1": "train", "0": "test"}
T = TypeVar("T", bound=str)
_LISTS = ("images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt")


def recognise(folder: Path) -> str | None:
    return f"it holds {', '.join(_LISTS)}" if all((folder / name).is_file() for name in _LISTS) else None


def read(folder: Path, _options: Options) -> Draft:
    classes = {pair.first: pair.rest for pair in pairs(folder / "classes.txt")}
    class_of = _by_image(folder / "image_class_labels.txt", classes)
    split_of = _by_image(folder / "train_test_split.txt", _SPLIT_OF)
    listed = folder / "images.txt"
    items = []
    for pair in pairs(listed):
        if pair.first not in class_of or pair.first not in split_of:
            raise fault(listed, pair.line, f"image {pair.first} has no class or no split in the other lists")
        source = f"images/{pair.rest}"
        items.append(Item(pair.first, folder / source, class_of[pair.first], split_of[pair.first], source))
    if strangers := (class_of.keys() | split_of.keys()) - {item.id for item in items}:
        raise fault(listed, len(items), f"ends without image {min(strangers)}, which the other lists name")
    return Draft(tuple(items), tuple(classes.values()))


def _by_image(path: Path, known: dict[str, T]) -> dict[str, T]:
    """What the list says of each image id."""
    found: dict[str, T] = {}
    for pair in pairs(path):
        if pair.rest not in known:
            raise fault(path, pair.line, f"{pair.rest!r} is not one of the {len(known)} that there are")
        found[pair.first] = known[pair.rest]
    return found


READER = Reader(
    layout="cub200",
    looks_like="`images.txt`, `image_class_labels.txt`, `train_test_split.txt`, `classes.txt`, `images/`",
    recognise=recognise,
    read=read,
    published=True,
    domain=Domain(noun="bird"),
)
