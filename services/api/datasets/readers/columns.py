"""Finds out which column of a table plays which part, by its name. Pure."""

from collections.abc import Iterable, Mapping

from shared.errors import InvalidInput

# The most telling name first.
_NAMES = {
    "image": ("image", "image_path", "img_path", "img", "path", "image_file", "file", "file_path", "filepath",
              "file_name", "filename", "image_name"),
    "label": ("label", "class", "class_name", "classname", "label_name", "category", "target", "species", "breed",
              "diagnosis", "disease"),
    "split": ("split", "subset", "set", "partition"),
    "group": ("group", "group_id", "patient", "patient_id", "subject", "subject_id", "lesion_id"),
    "id": ("id", "image_id", "img_id", "uid"),
}  # fmt: skip
OPTIONS: Mapping[str, tuple[str, ...]] = dict.fromkeys(_NAMES, ())


def parts(header: Iterable[str], chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """The column of each part that the table has: the chosen one, or that of the most telling name. Names count
    without case; spaces and hyphens are underscores. Raises InvalidInput for a chosen column that is not there."""
    by_name = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(list(header))}
    found = {part: by_name[name] for part, names in _NAMES.items() for name in reversed(names) if name in by_name}
    for part, column in (chosen or {}).items():
        if column not in by_name.values():
            raise InvalidInput(
                f"there is no column {column!r} for {part}", remedy=f"There are: {', '.join(by_name.values())}."
            )
        found[part] = column
    return found
