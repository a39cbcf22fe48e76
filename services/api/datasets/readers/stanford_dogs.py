"""Reader of Stanford Dogs as published: 120 breeds, with its lists of train and test images."""

from pathlib import Path

from services.api.datasets.listing import Item
from services.api.datasets.readers.reader import Draft, Options, Reader, fault
from shared.errors import InvalidInput
from shared.types.domain import Domain
from shared.types.records import Split

_LISTS: dict[Split, str] = {"train": "train_list.mat", "test": "test_list.mat"}


def recognise(folder: Path) -> str | None:
    found = all(_list(folder, name).is_file() for name in _LISTS.values())
    return f"it holds {' and '.join(_LISTS.values())}" if found else None


def read(folder: Path, _options: Options) -> Draft:
    listed = [(split, _list(folder, name)) for split, name in _LISTS.items()]
    items = tuple(_item(folder, path, line, file, split) for split, path in listed for line, file in _files(path))
    return Draft(items)


def _item(folder: Path, path: Path, line: int, file: str, split: Split) -> Item:
    """`n02085620-Chihuahua/n02085620_5927.jpg`"""
    breed, _, name = file.partition("/")
    if not name:
        raise fault(path, line, f"{file!r} names no folder of a breed")
    source = f"Images/{file}"
    return Item(name.removesuffix(".jpg"), folder / source, breed, split, source)


def _list(folder: Path, name: str) -> Path:
    """lists.tar has no folder of its own, so the lists may lie beside Images or in `lists`."""
    inside = folder / "lists" / name
    return inside if inside.is_file() else folder / name


def _files(path: Path) -> list[tuple[int, str]]:
    """The entries of the list, counted from 1."""
    from scipy.io import loadmat  # slow to import, and of use to this layout alone

    try:
        listed = loadmat(path, variable_names=["file_list"])["file_list"]
        return [(line, str(entry[0][0])) for line, entry in enumerate(listed, start=1)]
    # SciPy raises nearly anything for bytes that are no such file.
    except Exception as error:
        raise InvalidInput(
            f"{path} has no file_list that can be read: {error}", remedy="Unpack the publisher's lists.tar anew."
        ) from error


READER = Reader(
    layout="stanford_dogs",
    looks_like="`lists/train_list.mat`, `lists/test_list.mat`, `Images/`",
    recognise=recognise,
    read=read,
    published=True,
    domain=Domain(noun="dog"),
)
