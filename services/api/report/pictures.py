"""Images of a data set small enough to be part of a page."""

import base64
import io

from PIL import Image

from shared.errors import NotFound
from shared.objects import ObjectStore

_SIDE_PX = 160
_QUALITY = 80


def thumbnail(store: ObjectStore, key: str) -> str | None:
    """A JPEG as a data URI, at most 160 pixels a side; None when it is gone from the store or cannot be read."""
    try:
        with Image.open(io.BytesIO(store.get(key))) as image:
            image.draft("RGB", (2 * _SIDE_PX, 2 * _SIDE_PX))
            small = image.convert("RGB")
    except (NotFound, OSError, SyntaxError, ValueError):
        return None
    small.thumbnail((_SIDE_PX, _SIDE_PX))
    sink = io.BytesIO()
    small.save(sink, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(sink.getvalue()).decode()}"
