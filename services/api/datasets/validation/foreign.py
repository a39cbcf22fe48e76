"""The formats that are taken, and what to say of bytes in none of them. Decodes nothing."""

import io
from pathlib import PurePosixPath

from PIL import Image

from services.api.datasets.validation.unusable import Unusable

_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
}
FORMATS = tuple(_SUFFIXES)
_ALL_SUFFIXES = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
_TAKEN = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")
_SIGNS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive",
    b"8BPS": "a Photoshop file",
    b"<svg": "an SVG drawing",
    b"version https://git-lfs": "a Git LFS pointer: run `git lfs pull`",
}


def why_unknown(body: bytes) -> Unusable:
    """What bytes that no taken format knows seem to be. Downloads that failed often leave a web page."""
    start = body[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return Unusable("image_broken", "is a web page, not an image; download it again")
    if body[4:8] == b"ftyp" and body[8:12] in _HEIC_BRANDS:
        return Unusable("image_format", f"is a HEIC photo; convert it to {_TAKEN}")
    for sign, what in _SIGNS.items():
        if start.startswith(sign.lower()):
            return Unusable("image_format", f"is {what}, not {_TAKEN}")
    if name := _named(body):
        return Unusable("image_format", f"is in the format {name}; convert it to {_TAKEN}")
    return Unusable("image_broken", f"is no {_TAKEN}, or its beginning is broken")


def _named(body: bytes) -> str | None:
    try:
        with Image.open(io.BytesIO(body)) as image:
            return image.format
    except Exception:  # Pillow's readers raise anything for broken bytes
        return None


def is_image_name(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _ALL_SUFFIXES


def wrong_suffix(source: str, image_format: str) -> str | None:
    """What is wrong with a file's name, if its suffix is that of another format that is taken."""
    if is_image_name(source) and PurePosixPath(source).suffix.lower() not in _SUFFIXES[image_format]:
        return f"is a {image_format} image, whatever its name says"
    return None
