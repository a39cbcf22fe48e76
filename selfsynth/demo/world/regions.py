"""Where in a picture each part of its bird is: what to hide, to see whether an answer hangs on what it cites. For
measuring only. Pure."""

from selfsynth.demo.world.occluders import REACH
from selfsynth.demo.world.scene import SIZE, Scene, pose

_SIDE_UNITS = 128


def part_region(scene: Scene, part: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of the smallest box that holds every value of the part; it may hold pieces of
    others, where parts overlap."""
    (x, y), scale = pose(scene)
    left, top, right, bottom = REACH[part]
    factor = SIZE / _SIDE_UNITS
    ends = ((x + left * scale, y + top * scale), (x + right * scale, y + bottom * scale))
    (x0, y0), (x1, y1) = ((a * factor, b * factor) for a, b in ends)
    return max(0, int(x0)), max(0, int(y0)), min(SIZE, int(x1) + 1), min(SIZE, int(y1) + 1)
