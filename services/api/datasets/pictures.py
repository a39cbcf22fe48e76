"""Opens one image file and decodes all of it. Knows nothing of labels or splits."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from services.api.datasets.listing import Finding

_EXTENSION = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}


@dataclass(frozen=True)
class Picture:
    """Sizes in pixels; `extension` by what the bytes are, not by the file's name."""

    body: bytes
    sha256: str
    extension: str
    width: int
    height: int


def examine(path: Path, source: str, roots: tuple[Path, ...]) -> Picture | Finding:
    """The decoded picture, or what is wrong with the file."""
    if not is_within(path, roots):
        return Finding(code="path_not_allowed", message=f"{source} leads out of the allowed folders", file=source)
    try:
        body = path.read_bytes()
    except OSError as error:
        return Finding(code="image_missing", message=f"{source} cannot be read: {error.strerror}", file=source)
    if not body:
        return Finding(code="image_broken", message=f"{source} is empty", file=source)
    try:
        with Image.open(io.BytesIO(body)) as image:
            image.load()
            extension = _EXTENSION.get(image.format or "")
            size = image.size
    # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more for broken bytes.
    except Exception as error:
        return Finding(code="image_broken", message=f"{source} cannot be decoded: {error}", file=source)
    if extension is None:
        return Finding(code="image_format", message=f"{source} is in a format that is not taken", file=source)
    return Picture(body, hashlib.sha256(body).hexdigest(), extension, *size)


def is_within(path: Path, roots: tuple[Path, ...]) -> bool:
    """Whether the path, links followed, lies under one of the roots."""
    resolved = path.resolve()
    return any(resolved.is_relative_to(root.resolve()) for root in roots)
