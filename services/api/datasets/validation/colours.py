"""Colours of a decoded image: any mode to 8-bit sRGB, and what its colours tell. Knows nothing of files."""

import io

import numpy as np
from PIL import Image, ImageCms

from services.api.datasets.validation.unusable import Note, Unusable

_SRGB = ImageCms.createProfile("sRGB")
_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_PLAIN = ("L", "RGB", "CMYK")
# Of 255: compression alone makes the channels of a grey picture differ by a little.
_GREY_WITHIN = 10
_BLANK_WITHIN = 8


def as_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, list[Note]]:
    """The image as RGB; itself when there is nothing to change. Raises Unusable for colours that no screen shows."""
    told: list[Note] = []
    if image.mode in ("F", "LAB", "HSV"):
        raise Unusable("image_format", f"has pixels of the kind {image.mode}; save it with 8 bits a channel")
    if image.mode.startswith("I"):
        image = _eight_bits(image)
        told.append(("image_deep", "has 16 bits a pixel; it was scaled to 8"))
    if _has_alpha(image):
        image, is_seen_through = _on_white(image)
        told += [("image_transparent", "is transparent in places; they were made white")] * is_seen_through
    if image.mode not in _PLAIN:
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile and (converted := _by_profile(image, profile)):
        return converted, told
    return image if image.mode == "RGB" else image.convert("RGB"), told


def smooth(image: Image.Image) -> Image.Image:
    """In a mode that can be scaled well: palettes and single bits cannot."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I"):
        return _eight_bits(image)
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if _has_alpha(image) else "RGB")
    return image


def notes(rgb: Image.Image) -> list[Note]:
    small = np.asarray(rgb.resize((64, 64), Image.Resampling.BOX)).astype(np.int16)
    if np.ptp(small, axis=(0, 1)).max() <= _BLANK_WITHIN:
        return [("image_blank", "shows one colour all over")]
    if np.ptp(small, axis=2).max() <= _GREY_WITHIN:
        return [("image_grey", "is grey")]
    return []


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in _WITH_ALPHA or "transparency" in image.info


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    layered = image.convert("RGBA")
    is_seen_through = int(np.asarray(layered.getchannel("A")).min()) < 255
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB"), is_seen_through


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit greys by their whole range, not by the brightest pixel: images of a series stay comparable."""
    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise Unusable("image_format", "has more than 16 bits a pixel; save it with 8")
    return Image.fromarray((pixels >> 8).astype(np.uint8))


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """In sRGB as its own profile says; None when it says sRGB already, or nothing that can be understood."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(own).lower():
            return None
        return ImageCms.profileToProfile(image, own, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
