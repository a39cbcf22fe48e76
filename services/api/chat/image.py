"""The image of a chat as the model shall see it: looked at and stored anew as those of a data set are."""

import base64
import binascii

from services.api.datasets.validation.examine import ImageRules, stored
from services.api.datasets.validation.picture import make_picture
from services.api.datasets.validation.unusable import Unusable
from shared.errors import InvalidInput

_REMEDY = "Send one whole image file as data:image/...;base64,... ."
# Fewer pixels than a data set may have: these are decoded here, beside all that keeps jobs alive.
_RULES = ImageRules(max_pixels=25_000_000)


def as_shown(uri: str) -> str:
    """A data URI of the image upright, in sRGB, and not too large. Raises InvalidInput."""
    head, comma, payload = uri.partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64") and comma):
        raise InvalidInput("`image` is no data URI of an image in base64", remedy=_REMEDY)
    try:
        body = base64.b64decode(payload, validate=True)
        kept, extension = stored(body, make_picture(body, 0, _RULES))
    except binascii.Error as error:
        raise InvalidInput(f"the base64 of `image` is broken: {error}", remedy=_REMEDY) from error
    except Unusable as error:
        raise InvalidInput(f"`image` {error.why}", remedy="Give another image file, or this one mended.") from error
    kind = "jpeg" if extension == "jpg" else extension
    return f"data:image/{kind};base64,{base64.b64encode(kept).decode()}"
