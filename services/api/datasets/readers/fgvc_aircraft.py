"""Reader of FGVC-Aircraft 2013b as published: 10,000 aircraft, labelled by variant, family and manufacturer."""

from collections.abc import Iterator
from pathlib import Path

from services.api.datasets.listing import ClassName, Finding, Item
from services.api.datasets.readers.lines import lines, pairs
from services.api.datasets.readers.reader import Draft, Options, Reader, fault
from shared.errors import InvalidInput
from shared.types.domain import Domain
from shared.types.records import Split

_CLASS_LISTS = {"variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt"}
_SPLITS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
# Each image ends below in a banner that names its photographer.
_BANNER_PX = 20


def recognise(folder: Path) -> str | None:
    for level in _CLASS_LISTS:
        if _list(folder, level, "train").is_file():
            return f"it holds {_list(folder, level, 'train').relative_to(folder)}"
    return None


def read(folder: Path, options: Options) -> Draft:
    level = options["level"]
    if not _list(folder, level, "train").is_file():
        raise InvalidInput(
            f"{_list(folder, level, 'train')} is missing",
            remedy=f"Unpack the publisher's archive, or choose another level than {level}.",
        )
    classes_file = _inside(folder) / _CLASS_LISTS[level]
    classes = tuple(label for _, label in lines(classes_file)) if classes_file.is_file() else ()
    missing = [name for name in _SPLITS if not _list(folder, level, name).is_file()]
    items = [item for name in _SPLITS if name not in missing for item in _items(folder, level, name, classes)]
    return Draft(tuple(items), classes, tuple(_missing(_list(folder, level, name).name) for name in missing))


def _items(folder: Path, level: str, split: str, classes: tuple[str, ...]) -> Iterator[Item]:
    path = _list(folder, level, split)
    known = frozenset(classes)
    for pair in pairs(path):
        if known and pair.rest not in known:
            raise fault(path, pair.line, f"{pair.rest!r} is not in {_CLASS_LISTS[level]}")
        source = f"images/{pair.first}.jpg"
        where = _inside(folder) / source
        yield Item(pair.first, where, pair.rest, _SPLITS[split], source, crop_bottom_px=_BANNER_PX)


def _inside(folder: Path) -> Path:
    """The lists lie in `data`, which may be the folder itself."""
    return folder / "data" if (folder / "data").is_dir() else folder


def _list(folder: Path, level: str, split: str) -> Path:
    return _inside(folder) / f"images_{level}_{split}.txt"


def _missing(name: str) -> Finding:
    return Finding(code="list_missing", message=f"{name} is missing, so its images are not used", severity="warning")


READER = Reader(
    layout="fgvc_aircraft",
    looks_like="`data/images_variant_train.txt` and so on, `data/images/`",
    recognise=recognise,
    read=read,
    published=True,
    domain=Domain(noun="aircraft"),
    # A 707-320 or F-16A/B is written as pilots write it.
    class_name=lambda raw: ClassName(label=raw, raw=raw),
    options={"level": ("variant", "family", "manufacturer")},
)
