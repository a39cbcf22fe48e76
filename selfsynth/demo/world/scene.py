"""One picture: a bird's attributes, which parts are hidden, and the seed of everything else (pose, colours, noise).

Knows nothing of species.
"""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from selfsynth.demo.world.attributes import PARTS, VALUES, Attributes
from selfsynth.demo.world.canvas import Canvas, Colour, jittered
from selfsynth.demo.world.occluders import cover
from selfsynth.demo.world.parts import DRAWERS

SIZE = 64
HIDING_RATE = 0.28
FEWEST_VISIBLE = 3
_CANVAS = 128
BACKGROUNDS: tuple[Colour, ...] = ((150, 190, 225), (190, 175, 140), (165, 205, 205), (208, 206, 216), (150, 165, 130))


@dataclass(frozen=True)
class Scene:
    """What is in a picture; `seed` fixes pose, colour jitter, occluders' texture and noise, and the sky's colour where
    no `background` (a place in BACKGROUNDS) does."""

    attributes: Attributes
    hidden: frozenset[str]
    seed: int
    background: int | None = None

    @property
    def visible(self) -> dict[str, str]:
        """Value of each part that can be seen."""
        return {part: value for part, value in self.attributes.items() if part not in self.hidden}


def random_attributes(rng: random.Random) -> dict[str, str]:
    return {part: rng.choice(VALUES[part]) for part in PARTS}


def random_hidden(rng: random.Random, rate: float = HIDING_RATE) -> frozenset[str]:
    """Each part hidden at `rate`, drawn anew until at least FEWEST_VISIBLE parts are left."""
    while True:
        hidden = frozenset(part for part in PARTS if rng.random() < rate)
        if len(PARTS) - len(hidden) >= FEWEST_VISIBLE:
            return hidden


def random_scene(rng: random.Random, attributes: Attributes | None = None, hiding_rate: float = HIDING_RATE) -> Scene:
    """A bird of the given attributes (of random ones if None) with random occluders and pose."""
    return Scene(attributes or random_attributes(rng), random_hidden(rng, hiding_rate), rng.getrandbits(48))


def render(scene: Scene) -> NDArray[np.uint8]:
    """The picture, (SIZE, SIZE, 3) uint8. Depends on no value of a hidden part."""
    rng = random.Random(scene.seed)
    image, canvas = _stage(rng, scene.background)
    seeds = {part: (rng.getrandbits(48), rng.getrandbits(48)) for part in DRAWERS}
    for part, draw in DRAWERS.items():
        draw(canvas, scene.attributes[part], random.Random(seeds[part][0]))
        if part in scene.hidden:
            cover(canvas, part, random.Random(seeds[part][1]))
    small = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)).astype(np.int16)
    noise = np.random.RandomState(rng.getrandbits(31)).randint(-9, 10, small.shape)
    picture: NDArray[np.uint8] = np.clip(small + noise, 0, 255).astype(np.uint8)
    return picture


def pose(scene: Scene) -> tuple[tuple[float, float], float]:
    """Where the bird's origin is and how large a bird unit, in pixels of a picture of 128 a side."""
    _, canvas = _stage(random.Random(scene.seed), scene.background)
    return canvas.centre, canvas.scale


def _stage(rng: random.Random, background: int | None) -> tuple[Image.Image, Canvas]:
    """Sky, ground, and the bird's place and size."""
    any_sky = rng.choice(BACKGROUNDS)  # drawn always, so that all else stays the same
    sky = jittered(any_sky if background is None else BACKGROUNDS[background], 18, rng)
    image = Image.new("RGB", (_CANVAS, _CANVAS), sky)
    draw = ImageDraw.Draw(image)
    shade = rng.uniform(10, 45)
    ground = (max(0, round(sky[0] - shade)), max(0, round(sky[1] - shade)), max(0, round(sky[2] - shade)))
    draw.rectangle((0, rng.randint(88, 116), _CANVAS, _CANVAS), fill=ground)
    return image, Canvas(draw, (62 + rng.uniform(-6, 6), 68 + rng.uniform(-5, 5)), rng.uniform(0.9, 1.04))
