"""Reader of folders: `train/<class>/...` with `val`, `validation` or `test` beside it, or `<class>/...` alone."""

from pathlib import Path

from services.api.datasets.listing import Finding, Item, Listing, classes_of
from shared.types.records import Split

LAYOUT = "class_folders"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_SPLIT_OF: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_ORDER: tuple[Split | None, ...] = ("train", "validation", "test")


def matches(folder: Path) -> bool:
    """Whether the folder has a folder for a split, or holds at least one folder with images."""
    return has_splits(folder) or any(_images(f) for f in folders_in(folder))


def has_splits(folder: Path) -> bool:
    return any(f.name.lower() in _SPLIT_OF for f in folders_in(folder))


def is_class(folder: Path) -> bool:
    """Whether images lie in the folder itself."""
    return any(p.suffix.lower() in SUFFIXES for p in folder.iterdir())


def read(folder: Path) -> Listing:
    splits = ((f, _SPLIT_OF.get(f.name.lower())) for f in folders_in(folder))
    places = sorted((place for place in splits if place[1]), key=lambda place: _ORDER.index(place[1]))
    items: list[Item] = []
    findings: list[Finding] = []
    classes: set[str] = set()
    for place, split in places or [(folder, None)]:
        for class_folder in folders_in(place):
            classes.add(class_folder.name)
            images = _images(class_folder)
            items += [_item(image, folder, class_folder.name, split) for image in images]
            if not images:
                findings.append(_empty(class_folder.relative_to(folder)))
    return Listing(LAYOUT, tuple(items), classes_of({name: name for name in classes}), None, tuple(findings))


def folders_in(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith((".", "__MACOSX")))


def _images(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))


def _item(image: Path, folder: Path, label: str, split: Split | None) -> Item:
    source = image.relative_to(folder).as_posix()
    return Item(id=source, path=image, label=label, split=split, source=source)


def _empty(folder: Path) -> Finding:
    return Finding(
        code="empty_class",
        message=f"the class folder {folder} holds no image; put images there or remove the folder",
        file=folder.as_posix(),
    )
