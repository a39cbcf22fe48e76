"""Covers a region of a picture with the picture's mean colour. Pure: bytes in, bytes out; knows no model."""

import io
from collections.abc import Iterator

from PIL import Image, ImageStat

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""

# Models look at pictures of some hundred pixels; larger ones would only be slow to send so often.
MOST_PIXELS_A_SIDE = 672


class Cover:
    """A picture, scaled down where it is large, that is seen whole or without one region: PNG each time."""

    def __init__(self, picture: bytes) -> None:
        self._image = Image.open(io.BytesIO(picture)).convert("RGB")
        self._image.thumbnail((MOST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE))
        self._colour = tuple(round(mean) for mean in ImageStat.Stat(self._image).mean)

    def whole(self) -> bytes:
        return _png(self._image)

    def without(self, box: Box) -> bytes:
        covered = self._image.copy()
        covered.paste(self._colour, box)
        return _png(covered)

    def cells(self, grid: int) -> Iterator[Box]:
        """`grid` rows of `grid` boxes, which together are the whole picture."""
        width, height = self._image.size
        xs, ys = ([side * k // grid for k in range(grid + 1)] for side in (width, height))
        for row in range(grid):
            for column in range(grid):
                yield xs[column], ys[row], xs[column + 1], ys[row + 1]


def _png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, format="PNG", compress_level=1)
    return target.getvalue()
