"""Reader of folders: `train/<class>/...` with `val`, `validation` or `test` beside it, or `<class>/...` alone."""

from pathlib import Path

from services.api.datasets.listing import Finding, Item
from services.api.datasets.readers.folders import folders_in, has_images, images_below, places_in, splits_in
from services.api.datasets.readers.reader import Draft, Options, Reader


def recognise(folder: Path) -> str | None:
    """One folder of images alone may be anything; two are classes."""
    for place, split in places_in(folder):
        classes = [f.name for f in folders_in(place) if has_images(f)]
        if len(classes) > 1:
            inside = f"{place.name} holds" if split else "it holds"
            return f"{inside} {len(classes)} folders of images, such as {classes[0]} and {classes[1]}"
    return None


def read(folder: Path, _options: Options) -> Draft:
    return of_folders(folder, folder)


def of_folders(inside: Path, root: Path) -> Draft:
    """The class folders in `inside`, whatever their names; paths are told relative to `root`."""
    items: list[Item] = []
    findings = [_beside(f) for f in _strays(inside)]
    raws: dict[str, None] = {}
    for place, split in places_in(inside):
        for class_folder in folders_in(place):
            raws[class_folder.name] = None
            images = images_below(class_folder)
            sources = [image.relative_to(root).as_posix() for image in images]
            items += [Item(s, image, class_folder.name, split, s) for s, image in zip(sources, images, strict=True)]
            if not images:
                findings.append(_empty(class_folder.relative_to(root)))
    return Draft(tuple(items), tuple(raws), tuple(findings))


def _strays(inside: Path) -> list[Path]:
    """Folders with images that lie beside the splits, so that they are in none."""
    splits = {place for place, _ in splits_in(inside)}
    return [f for f in folders_in(inside) if f not in splits and has_images(f)] if splits else []


def _beside(folder: Path) -> Finding:
    message = f"the folder {folder.name} lies beside the split folders, so its images are not used"
    return Finding(code="folder_ignored", message=message, file=folder.name, severity="warning")


def _empty(folder: Path) -> Finding:
    return Finding(
        code="empty_class",
        message=f"the class folder {folder} holds no image; put images there or remove the folder",
        file=folder.as_posix(),
    )


READER = Reader(
    layout="class_folders",
    looks_like="`train/CLASS/*.jpg` with `test/` and optionally `val/`; or `CLASS/*.jpg` alone",
    recognise=recognise,
    read=read,
)
