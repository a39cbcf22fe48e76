"""Foliage and mist that hide a part completely.

The cover is a closed surface over every place that any value of the part could reach, so that the picture of a hidden
part does not depend on its value. Texture and ragged edge come on top.
"""

import random

from selfsynth.demo.world.canvas import Box, Canvas, Colour, jittered
from selfsynth.demo.world.parts import BODY, BREAST, HEAD, WING

REACH: dict[str, Box] = {
    "tail": (-70, -28, -22, 28),
    "legs": (-20, 10, 25, 50),
    "body": BODY,
    "wing": WING,
    "breast": BREAST,
    "head": HEAD,
    "crest": (1, -64, 38, -33),
    "beak": (34, -35, 66, -4),
}
"""The smallest box that holds every value of a part."""

_ROUND = frozenset({"body", "wing", "breast", "head"})
LEAF: Colour = (38, 98, 52)
MIST: Colour = (186, 190, 200)


def cover(canvas: Canvas, part: str, rng: random.Random) -> None:
    """Hide the part behind foliage or mist."""
    leafy = rng.random() < 0.6
    colour = jittered(LEAF if leafy else MIST, 10, rng)
    box = REACH[part]
    left, top, right, bottom = box
    if part in _ROUND:
        canvas.ellipse((left - 2, top - 2, right + 2, bottom + 2), colour)
    else:
        canvas.rectangle((left - 1, top - 1, right + 1, bottom + 1), colour)
    for _ in range(9):
        _texture(canvas, box, leafy, colour, rng)


def _texture(canvas: Canvas, box: Box, leafy: bool, colour: Colour, rng: random.Random) -> None:
    """One leaf or puff; those at the left and upper edge stick out a little."""
    left, top, right, bottom = box
    x = rng.uniform(left, right - 0.15 * (right - left))
    y = rng.uniform(top, bottom - 0.15 * (bottom - top))
    shade = jittered(colour, 24, rng)
    if leafy:
        canvas.ellipse((x - 5, y - 3, x + 5, y + 3), shade)
        canvas.line((x - 4, y), (x + 4, y), (96, 160, 96), 1)
    else:
        canvas.dot(x, y, rng.uniform(3, 5), shade)
