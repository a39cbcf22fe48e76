"""Reader of plant leaf diseases as published (PlantVillage and its kin): a folder `Plant___condition` a class."""

from pathlib import Path

from services.api.datasets.listing import ClassName
from services.api.datasets.names import readable
from services.api.datasets.readers.class_folders import of_folders
from services.api.datasets.readers.folders import folders_in, places_in
from services.api.datasets.readers.reader import Draft, Options, Reader
from shared.types.domain import Domain

_BETWEEN = "___"


def recognise(folder: Path) -> str | None:
    for place, _ in places_in(_inside(folder)):
        names = [f.name for f in folders_in(place)]
        leaves = [name for name in names if _BETWEEN in name]
        if len(leaves) > len(names) / 2:  # one set has Background_without_leaves too
            return f"it holds folders such as {leaves[0]}"
    return None


def read(folder: Path, _options: Options) -> Draft:
    return of_folders(_inside(folder), folder)


def _inside(folder: Path) -> Path:
    return folder / "Images" if (folder / "Images").is_dir() else folder


def _class_name(raw: str) -> ClassName:
    """`Apple___Apple_scab`: `Apple: Apple scab`."""
    plant, _, condition = raw.partition(_BETWEEN)
    return ClassName(label=f"{readable(plant)}: {readable(condition)}" if condition else readable(raw), raw=raw)


READER = Reader(
    layout="pld",
    looks_like="`Images/Apple___Apple_scab/*.jpg` and so on, with or without split folders",
    recognise=recognise,
    read=read,
    published=True,
    domain=Domain(noun="leaf", asks_for="condition"),
    class_name=_class_name,
)
