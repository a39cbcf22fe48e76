"""Reader of chest X-rays: folders NORMAL and PNEUMONIA, in splits or not (patients by file name); or NIH's table of
ChestX-ray14. A row of the table with several findings is left out: an example has one label."""

import re
from pathlib import Path

from services.api.datasets.listing import ClassName, Finding, Item
from services.api.datasets.names import as_class
from services.api.datasets.readers.folders import by_stem, folders_in, images_below, places_in
from services.api.datasets.readers.lines import lines
from services.api.datasets.readers.reader import Draft, Options, Reader, fault
from services.api.datasets.readers.rows import header
from services.api.datasets.readers.rows import read as rows_of
from shared.errors import InvalidInput
from shared.types.domain import Domain
from shared.types.records import Split

_FOLDERS = frozenset({"normal", "pneumonia"})
_COLUMNS = ("Image Index", "Finding Labels", "Patient ID")
_LISTS: dict[str, Split] = {"train_val_list.txt": "train", "test_list.txt": "test"}
# 00003510_002 of NIH; person12_bacteria_34, BACTERIA-1234567-0001 and (NORMAL2-)IM-0115-0001 of Kermany.
_PATIENT = re.compile(r"(\d{8})_\d+|(person\d+)_|[A-Z]+-(\d{5,})-\d+|((?:NORMAL2-)?IM-\d+)-\d+")


def recognise(folder: Path) -> str | None:
    if table := _table(folder):
        return f"it holds {table.name}"
    for place, _ in places_in(folder):
        if {f.name.lower() for f in folders_in(place)} == _FOLDERS:
            return f"{place.name} holds the folders NORMAL and PNEUMONIA"
    return None


def read(folder: Path, _options: Options) -> Draft:
    table = _table(folder)
    return _of_table(folder, table) if table else _of_folders(folder)


def _of_folders(folder: Path) -> Draft:
    items, raws = [], []
    for place, split in places_in(folder):
        for class_folder in folders_in(place):
            raws.append(class_folder.name)
            for image in images_below(class_folder):
                source = image.relative_to(folder).as_posix()
                items.append(Item(source, image, class_folder.name, split, source, group=patient(image.stem)))
    return Draft(tuple(items), tuple(raws))


def patient(stem: str) -> str | None:
    """The patient, where the file's name tells."""
    found = _PATIENT.match(stem)
    return next(filter(None, found.groups())) if found else None


def _of_table(folder: Path, table: Path) -> Draft:
    if lacking := set(_COLUMNS) - set(header(table)):
        raise fault(table, 1, f"the column {min(lacking)} is missing")
    images, split_of = by_stem(folders_in(folder)), _nih_splits(folder)
    items, several = [], 0
    for row in rows_of(table):
        name, label, group = (row.values[column] for column in _COLUMNS)
        if "|" in label:
            several += 1
            continue
        if not name or (split_of and name not in split_of):
            raise fault(table, row.line, f"the image {name!r} is in none of {' and '.join(_LISTS)}")
        path = images.get(Path(name).stem, folder / "images" / name)
        source = path.relative_to(folder).as_posix()
        items.append(Item(name, path, label, split_of.get(name), source, group=group or None))
    return Draft(tuple(items), findings=(_left_out(several, table),) if several else ())


def _nih_splits(folder: Path) -> dict[str, Split]:
    found = {path: split for name, split in _LISTS.items() if (path := folder / name).is_file()}
    if len(found) == 1:
        raise InvalidInput(f"{folder} holds only one of {', '.join(_LISTS)}", remedy="Add the other, or remove it.")
    return {name: split for path, split in found.items() for _, name in lines(path)}


def _table(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("Data_Entry_2017*.csv"))), None) if folder.is_dir() else None


def _left_out(count: int, table: Path) -> Finding:
    message = f"{count} images of {table.name} show several findings and are left out: an example has one label"
    return Finding(code="several_labels", message=message, severity="warning")


def _class_name(raw: str) -> ClassName:
    """NORMAL and PNEUMONIA are shouted by the folders only."""
    return ClassName(label=raw.lower(), raw=raw) if raw.lower() in _FOLDERS else as_class(raw)


READER = Reader(
    layout="chest_xray",
    looks_like="`train/NORMAL/`, `train/PNEUMONIA/`, `test/...`, `val/...`; or `Data_Entry_2017*.csv` with `images*/`",
    recognise=recognise,
    read=read,
    published=True,
    domain=Domain(noun="chest X-ray", asks_for="condition"),
    class_name=_class_name,
)
