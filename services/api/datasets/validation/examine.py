"""Looks at one listed image: fetches its bytes, decodes all of them, and makes the bytes to store.

Knows nothing of other images, nor of where the bytes go. `examine` may run in any process.
"""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from services.api.datasets.listing import Item
from services.api.datasets.opening import read_bytes
from services.api.datasets.validation.examined import Examined

_EXTENSION = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp"}


class ImageRules(BaseModel):
    """Sizes in pixels. The long side of what is stored is at most `long_side_px`; an image whose short side is below
    `min_side_px`, whose long side is more than `max_aspect` times its short one, or that has more than `max_pixels`,
    is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    long_side_px: int = Field(1024, ge=64, le=8192)
    min_side_px: int = Field(16, ge=1)
    max_aspect: float = Field(8, ge=1)
    max_pixels: int = Field(100_000_000, ge=1, le=178_000_000)
    max_bytes: int = Field(256 << 20, ge=1)


def examine(item: Item, roots: Sequence[Path], rules: ImageRules) -> tuple[Examined, bytes | None]:
    """What the image is, and the bytes to store; None when it is unusable. Never raises for a bad image."""
    if not is_within(item.path, roots):
        return lost(item, "path_not_allowed", f"{item.source} leads out of the allowed folders"), None
    try:
        body = read_bytes(item)
    except OSError as error:
        return lost(item, "image_missing", f"{item.source} cannot be read: {error.strerror or error}"), None
    if not body:
        return lost(item, "image_empty", f"{item.source} is empty"), None
    try:
        with Image.open(io.BytesIO(body)) as image:
            image.load()
            extension = _EXTENSION[image.format or ""]
            width, height = image.size
    # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more for broken bytes.
    except Exception as error:
        return lost(item, "image_broken", f"{item.source} cannot be decoded: {error}"), None
    sha256 = hashlib.sha256(body).hexdigest()
    row = _row(item).model_copy(
        update={"usable": True, "sha256": sha256, "width": width, "height": height}
        | {"stored_key_name": f"{sha256}.{extension}"}
    )
    return row, body


def lost(item: Item, code: str, message: str) -> Examined:
    """The row of an image that cannot be used, with one finding. Also for one whose process died over it."""
    return _row(item).model_copy(update={"findings": (code,), "details": (message,)})


def is_within(path: Path, roots: Sequence[Path]) -> bool:
    """Whether the path, links followed, lies under one of the roots."""
    resolved = path.resolve()
    return any(resolved.is_relative_to(root.resolve()) for root in roots)


def _row(item: Item) -> Examined:
    assert item.split is not None
    return Examined(
        id=item.id,
        label=item.label,
        split=item.split,
        group=item.group,
        source=item.source,
        usable=False,
        findings=(),
        details=(),
        sha256="",
        perceptual="",
        width=0,
        height=0,
        stored_key_name="",
    )
