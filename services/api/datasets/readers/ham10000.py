"""Reader of HAM10000 as published: 10,015 images of skin lesions. No split: one is drawn, lesion by lesion."""

from pathlib import Path

from services.api.datasets.listing import ClassName, Item
from services.api.datasets.readers.folders import by_stem, folders_in
from services.api.datasets.readers.reader import Draft, Options, Reader, fault
from services.api.datasets.readers.rows import header
from services.api.datasets.readers.rows import read as rows_of
from shared.errors import InvalidInput
from shared.types.domain import Domain

_DIAGNOSES = {
    "akiec": "actinic keratoses",
    "bcc": "basal cell carcinoma",
    "bkl": "benign keratosis-like lesions",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "melanocytic nevi",
    "vasc": "vascular lesions",
}
_SINGULAR = {
    "akiec": ("actinic keratosis",),
    "bkl": ("benign keratosis",),
    "nv": ("melanocytic nevus",),
    "vasc": ("vascular lesion",),
}
_COLUMNS = ("lesion_id", "image_id", "dx")


def recognise(folder: Path) -> str | None:
    table = _table(folder)
    return f"it holds {table.name}" if table else None


def read(folder: Path, _options: Options) -> Draft:
    table = _table(folder)
    if table is None:
        raise InvalidInput(f"{folder} holds no HAM10000_metadata.csv", remedy="Download it beside the image folders.")
    if lacking := set(_COLUMNS) - set(header(table)):
        raise fault(table, 1, f"the column {min(lacking)} is missing")
    folders = [f for f in folders_in(folder) if "images" in f.name.lower()] or [folder]
    images = by_stem(folders)
    items: dict[str, Item] = {}
    for row in rows_of(table):
        lesion, image, diagnosis = (row.values[name] for name in _COLUMNS)
        if diagnosis not in _DIAGNOSES:
            raise fault(table, row.line, f"the diagnosis {diagnosis!r} is not one of {', '.join(_DIAGNOSES)}")
        if not image or image in items:
            raise fault(table, row.line, f"the image_id {image!r} is empty or there twice")
        path = images.get(image, folders[0] / f"{image}.jpg")
        items[image] = Item(image, path, diagnosis, None, path.relative_to(folder).as_posix(), group=lesion or None)
    return Draft(tuple(items.values()))


def _table(folder: Path) -> Path | None:
    """The publisher's file has no suffix, those of others have."""
    names = ("HAM10000_metadata.csv", "HAM10000_metadata.tab", "HAM10000_metadata")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _class_name(raw: str) -> ClassName:
    return ClassName(label=_DIAGNOSES[raw], raw=raw, aliases=(raw, *_SINGULAR.get(raw, ())))


READER = Reader(
    layout="ham10000",
    looks_like="`HAM10000_metadata.csv`, `HAM10000_images_part_1/`, `HAM10000_images_part_2/`",
    recognise=recognise,
    read=read,
    published=True,
    domain=Domain(noun="skin lesion"),
    class_name=_class_name,
)
