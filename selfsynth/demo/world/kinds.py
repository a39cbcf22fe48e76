"""What makes a world: its species and their concept banks, how many images, and what misleads in them.

Knows no images. The worlds themselves: `drawn.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from selfsynth.demo.world.attributes import Attributes


@dataclass(frozen=True)
class World:
    """`hiding_rate` is that of each part. With `backgrounds` (places in scene.BACKGROUNDS) each species has its own
    sky: in train and validation the share `own_background` of the images shows it, the others any; in test half and
    half. Of the training labels the share `wrong_labels` names another species.
    """

    name: str
    species: Mapping[str, Attributes]
    banks: Mapping[str, tuple[str, ...]]
    per_class: Mapping[str, int]
    hiding_rate: float
    backgrounds: Mapping[str, int] | None = None
    own_background: float = 0.0
    wrong_labels: float = 0.0
