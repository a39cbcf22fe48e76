"""Views of an image that leave its label true: turned, mirrored, shifted, recoloured a little. Knows no model.

A view has the picture's own size, so that a processor writes as many image tokens for it. Whatever moves pixels is put
together into one mapping and resampled once. Pillow alone: it is there, needs no torchvision, and draws what we seed.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from shared.seeds import derive
from shared.types.domain import Augmentation

Matrix = NDArray[np.float64]

_DEGREES = 10.0
_SHIFT = 0.05
_SCALE = 0.1
_TILT = 0.1
_COLOUR = 0.15
# Of the longer side: two pixels of a picture of 1000.
_BLUR = 0.002


@dataclass(frozen=True)
class Views:
    """Draws views by seed, image and number alone: a resumed training sees what it would have seen."""

    seed: int
    augmentations: tuple[Augmentation, ...] = ()

    def of(self, picture: Image.Image, image: str, view: int) -> Image.Image:
        """The RGB `picture` as it looks in `view`, of the same size; 0 is the picture itself."""
        if view == 0:
            return picture
        return augmented(picture, self.augmentations, random.Random(derive(self.seed, "view", image, view)))


def augmented(picture: Image.Image, augmentations: Sequence[Augmentation], rng: random.Random) -> Image.Image:
    """`picture` (RGB) with each of the augmentations as far as `rng` draws it."""
    moved = _moved(picture, mapping(augmentations, rng))
    if "colour_jitter" in augmentations:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            moved = enhance(moved).enhance(rng.uniform(1 - _COLOUR, 1 + _COLOUR))
    if "blur" in augmentations:
        moved = moved.filter(ImageFilter.GaussianBlur(rng.uniform(0, _BLUR) * max(picture.size)))
    return moved


def mapping(augmentations: Sequence[Augmentation], rng: random.Random) -> Matrix:
    """[3, 3]: from a view's points to the picture's, both with (0, 0) in the middle and 1 as half the shorter side."""
    whole = np.eye(3)
    if "flip_horizontal" in augmentations and rng.random() < 0.5:
        whole = np.diag([-1.0, 1, 1]) @ whole
    if "flip_vertical" in augmentations and rng.random() < 0.5:
        whole = np.diag([1.0, -1, 1]) @ whole
    if "rotation" in augmentations:
        angle = math.radians(rng.uniform(-_DEGREES, _DEGREES))
        sine, cosine = math.sin(angle), math.cos(angle)
        whole = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ whole
    if "affine" in augmentations:
        scale = rng.uniform(1 - _SCALE, 1 + _SCALE)
        x, y = (2 * rng.uniform(-_SHIFT, _SHIFT) for _ in range(2))
        whole = np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]]) @ whole
    if "perspective" in augmentations:
        x, y = (rng.uniform(-_TILT, _TILT) for _ in range(2))
        whole = np.array([[1, 0, 0], [0, 1, 0], [x, y, 1]]) @ whole
    return whole


def _moved(picture: Image.Image, points: Matrix) -> Image.Image:
    """What the view shows beyond the picture's edge has the picture's mean colour."""
    if np.array_equal(points, np.eye(3)):
        return picture
    width, height = picture.size
    unit = min(picture.size) / 2
    pixels = np.array([[unit, 0, width / 2], [0, unit, height / 2], [0, 0, 1]])
    found = pixels @ points @ np.linalg.inv(pixels)
    flat = bool(np.allclose(found[2], (0, 0, 1), atol=1e-12))
    # Models see it smaller than it is stored, so that bilinear is smooth enough.
    return picture.transform(
        picture.size,
        Image.Transform.AFFINE if flat else Image.Transform.PERSPECTIVE,
        tuple((found / found[2, 2]).flatten()[: 6 if flat else 8]),
        Image.Resampling.BILINEAR,
        fillcolor=picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)),
    )
