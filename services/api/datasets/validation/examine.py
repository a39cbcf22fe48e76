"""Looks at one listed image: fetches its bytes, makes the picture to store, and tells what is wrong.

Knows nothing of other images, nor of where the bytes go. `examine` may run in any process.
"""

import hashlib
import io
import stat
from collections.abc import Sequence
from pathlib import Path

from services.api.datasets.listing import Item
from services.api.datasets.opening import read_bytes
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.foreign import wrong_suffix
from services.api.datasets.validation.perceptual import perceptual_hash
from services.api.datasets.validation.picture import ImageRules, Picture, make_picture
from services.api.datasets.validation.unusable import Unusable

__all__ = ["ImageRules", "examine", "is_within", "lost"]
_STORED_AS_IS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp"}


def examine(item: Item, roots: Sequence[Path], rules: ImageRules) -> tuple[Examined, bytes | None]:
    """What the image is, and the bytes to store; None when it is unusable. Never raises for a bad image."""
    sha256 = ""
    try:
        body = _fetched(item, roots)
        sha256 = hashlib.sha256(body).hexdigest()
        picture = make_picture(body, item.crop_bottom_px, rules)
    except Unusable as unusable:
        row = lost(item, unusable.code, f"{item.source} {unusable.why}")
        return row.model_copy(update={"sha256": sha256}), None
    kept, extension = stored(body, picture)
    notes = list(picture.notes)
    if item.cell is None and (wrong := wrong_suffix(item.source, picture.format)):
        notes.append(("image_extension", wrong))
    found = {
        "usable": True,
        "findings": tuple(code for code, _ in notes),
        "details": tuple(f"{item.source} {message}" for _, message in notes),
        "sha256": sha256,
        "perceptual": perceptual_hash(picture.image),
        "width": picture.image.width,
        "height": picture.image.height,
        "stored_key_name": f"{hashlib.sha256(kept).hexdigest()}.{extension}",
    }
    return _row(item).model_copy(update=found), kept


def lost(item: Item, code: str, message: str) -> Examined:
    """The row of an image that cannot be used, with one finding. Also for one whose process died over it."""
    return _row(item).model_copy(update={"findings": (code,), "details": (message,)})


def is_within(path: Path, roots: Sequence[Path]) -> bool:
    """Whether the path, links followed, lies under one of the roots."""
    resolved = path.resolve()
    return any(resolved.is_relative_to(root.resolve()) for root in roots)


def _fetched(item: Item, roots: Sequence[Path]) -> bytes:
    try:
        if not is_within(item.path, roots):
            raise Unusable("path_not_allowed", "leads out of the allowed folders")
        if not stat.S_ISREG(item.path.stat().st_mode):  # reading a pipe or a device may never end
            raise Unusable("image_missing", "is no plain file")
        body = read_bytes(item)
    except RuntimeError as error:
        raise Unusable("image_missing", "is a link that leads back to itself") from error
    except (OSError, ValueError) as error:  # a path with NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise Unusable("image_missing", f"cannot be read: {why}") from error
    if not body:
        raise Unusable("image_empty", "is empty")
    return body


def stored(body: bytes, picture: Picture) -> tuple[bytes, str]:
    """The bytes to store and their extension: the source's own where they hold the very picture."""
    if not picture.changed and picture.format in _STORED_AS_IS:
        return body, _STORED_AS_IS[picture.format]
    sink = io.BytesIO()
    if picture.is_lossy:
        picture.image.save(sink, "JPEG", quality=95, subsampling=0)
        return sink.getvalue(), "jpg"
    picture.image.save(sink, "PNG")
    return sink.getvalue(), "png"


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
