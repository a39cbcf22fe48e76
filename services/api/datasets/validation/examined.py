"""What is known about one listed image once it has been looked at. Pure."""

from shared.types.records import Record, Split


class Examined(Record):
    """A row for each listed image, good or not. `findings` are codes (see `codes`), `details` one message each.

    `sha256` is of the source's bytes ("" when there are none); `perceptual` is the hexadecimal perceptual hash, "" when
    the image is unusable or has too little in it to tell it from others. `width` and `height` (pixels) and
    `stored_key_name` (SHA-256 of the bytes plus extension) are of the picture to be stored; 0 and "" when unusable.
    """

    id: str
    label: str
    split: Split
    group: str | None
    source: str
    usable: bool
    findings: tuple[str, ...]
    details: tuple[str, ...]
    sha256: str
    perceptual: str
    width: int
    height: int
    stored_key_name: str
