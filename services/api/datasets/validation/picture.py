"""Makes the RGB picture that is stored out of an image's bytes: decoded whole, upright, cropped, capped, in sRGB.

Tells what it met on the way as notes: pairs of a code (see `codes`) and what is wrong, without the file's name.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field

from services.api.datasets.validation import colours
from services.api.datasets.validation.foreign import FORMATS, why_unknown
from services.api.datasets.validation.unusable import Note, Unusable

_ORIENTATION = 0x0112
# A file of these begins with its picture; what follows is a preview or another eye's view.
_ONE_PICTURE = ("MPO",)
# Pillow opens an MPO as a JPEG, and knows no opener of that name.
_OPENED_AS = tuple(format_ for format_ in FORMATS if format_ not in _ONE_PICTURE)
_WITHOUT_LOSS = ("PNG", "GIF", "BMP", "TIFF")


class ImageRules(BaseModel):
    """Sizes in pixels. The long side of what is stored is at most `long_side_px`. An image whose short side is below
    `min_side_px`, or that has more than `max_pixels` or `max_bytes`, cannot be used; one whose long side is more than
    `max_aspect` times its short side is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    long_side_px: int = Field(1024, ge=64, le=8192)
    min_side_px: int = Field(16, ge=1)
    max_aspect: float = Field(8, ge=1)
    max_pixels: int = Field(100_000_000, ge=1, le=178_000_000)
    max_bytes: int = Field(256 << 20, ge=1)


@dataclass(frozen=True)
class Picture:
    """`image` is RGB; `changed` when the bytes do not hold it as it is. `is_lossy`: they were compressed with loss."""

    image: Image.Image
    format: str
    changed: bool
    is_lossy: bool
    notes: tuple[Note, ...]


def make_picture(body: bytes, crop_bottom_px: int, rules: ImageRules) -> Picture:
    """Raises Unusable."""
    if len(body) > rules.max_bytes:
        raise Unusable("image_bomb", f"is larger than {rules.max_bytes >> 20} MiB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which no picture needs
        try:
            return _made(body, crop_bottom_px, rules)
        except Unusable:
            raise
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, MemoryError and more for broken bytes.
        except Exception as error:
            raise Unusable("image_broken", f"cannot be decoded: {error or type(error).__name__}") from error


def _made(body: bytes, crop_bottom_px: int, rules: ImageRules) -> Picture:
    with _opened(body) as image:
        size, source_format = image.size, image.format or ""
        shape = _of_size(size, rules)
        frames = _of_frames(image)
        if not crop_bottom_px:
            image.draft(image.mode, _within(size, rules.long_side_px))  # a large JPEG is decoded smaller, and faster
        image.load()
        profile = image.info.get("icc_profile")
        is_lossy = source_format not in _WITHOUT_LOSS or image.info.get("compression") == "jpeg"
        shaped = _capped(_cropped(_upright(image), crop_bottom_px, rules), rules)
        rgb, told = colours.as_srgb(shaped, profile)
    changed = rgb is not image or image.size != size or bool(frames)
    return Picture(rgb, source_format, changed, is_lossy, (*shape, *frames, *told, *colours.notes(rgb)))


def _opened(body: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(body), formats=_OPENED_AS)
    except Image.DecompressionBombError as error:
        raise Unusable("image_bomb", "has far more pixels than any picture") from error
    except UnidentifiedImageError as error:
        raise why_unknown(body) from error


def _of_size(size: tuple[int, int], rules: ImageRules) -> list[Note]:
    """Before anything is decoded: a bomb must not go off."""
    short, long = sorted(size)
    if short * long > rules.max_pixels:
        raise Unusable("image_bomb", f"has {size[0]}x{size[1]} pixels; at most {rules.max_pixels} are decoded")
    _refuse_small(size, rules)
    if long > rules.max_aspect * short:
        return [("image_aspect", f"is {size[0]}x{size[1]} pixels; a model will see little of it")]
    return []


def _refuse_small(size: tuple[int, int], rules: ImageRules) -> None:
    if min(size) < rules.min_side_px:
        raise Unusable("image_small", f"is {size[0]}x{size[1]} pixels; each side needs {rules.min_side_px}")


def _of_frames(image: Image.Image) -> list[Note]:
    if image.format in _ONE_PICTURE or not getattr(image, "is_animated", False):
        return []
    if image.format == "TIFF":
        return [("image_pages", "has several pages; only the first is used")]
    return [("image_animated", "is animated; only the first frame is used")]


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says. EXIF that cannot be read says nothing."""
    try:
        orientation: Any = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a decoder's parser: anything may come out of broken bytes
        return image
    return ImageOps.exif_transpose(image) if orientation in range(2, 9) else image


def _cropped(image: Image.Image, bottom_px: int, rules: ImageRules) -> Image.Image:
    if not bottom_px:
        return image
    _refuse_small((image.width, max(0, image.height - bottom_px)), rules)
    return image.crop((0, 0, image.width, image.height - bottom_px))


def _capped(image: Image.Image, rules: ImageRules) -> Image.Image:
    size = _within(image.size, rules.long_side_px)
    if size == image.size:
        return image
    _refuse_small(size, rules)
    return colours.smooth(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _within(size: tuple[int, int], long_side_px: int) -> tuple[int, int]:
    scale = min(1.0, long_side_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
