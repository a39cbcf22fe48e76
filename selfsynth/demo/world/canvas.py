"""Drawing in a bird's own coordinates: a pose (place and size) turns them into pixels.

Knows shapes and colours, not birds.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in bird units (128 to the image's side, the origin amid the bird)."""


def jittered(colour: Colour, amount: float, rng: random.Random) -> Colour:
    """The colour with each channel moved by up to `amount`."""
    r, g, b = (max(0, min(255, round(channel + rng.uniform(-amount, amount)))) for channel in colour)
    return r, g, b


@dataclass(frozen=True)
class Canvas:
    """Where one bird is drawn: centre and scale in canvas pixels."""

    draw: ImageDraw.ImageDraw
    centre: tuple[float, float]
    scale: float

    def _point(self, x: float, y: float) -> tuple[float, float]:
        return self.centre[0] + x * self.scale, self.centre[1] + y * self.scale

    def _corners(self, box: Box) -> list[tuple[float, float]]:
        return [self._point(box[0], box[1]), self._point(box[2], box[3])]

    def ellipse(self, box: Box, colour: Colour) -> None:
        self.draw.ellipse(self._corners(box), fill=colour)

    def rectangle(self, box: Box, colour: Colour) -> None:
        self.draw.rectangle(self._corners(box), fill=colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        self.draw.polygon([self._point(x, y) for x, y in points], fill=colour)

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: int) -> None:
        self.draw.line([self._point(*start), self._point(*end)], fill=colour, width=width)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self.ellipse((x - radius, y - radius, x + radius, y + radius), colour)

    def half_disc(self, box: Box, colour: Colour) -> None:
        """The upper half of an ellipse."""
        self.draw.pieslice(self._corners(box), 180, 360, fill=colour)
