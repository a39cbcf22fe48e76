"""Twenty-four species in twelve pairs of twins, and concept banks that mislead. Knows nothing of images.

Twins differ in one part (the first six pairs) or in two; each part can be hidden, so that some pictures fit both.
"""

import random
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from selfsynth.demo.world.attributes import PARTS, VALUES, Attributes, all_phrases
from selfsynth.demo.world.species import NOT_VISUAL, species

# The twin of each species, in their order; names that the shipped base copies.
_TWINS = (
    "Marsh Corvane",
    "Copper Hesper",
    "Harbor Penrow",
    "Granite Umber",
    "Cedar Gorrick",
    "Summit Oakham",
    "Valley Rastle",
    "Opal Bellin",
    "Coral Ilvane",
    "Meadow Warbler",
    "Prairie Siskin",
    "Desert Dipper",
)
_ONE_PART_PAIRS = 6


@cache
def twins() -> Mapping[str, Attributes]:
    """All twenty-four: each species of the easy world, and after it its twin."""
    pairs: dict[str, Attributes] = {}
    for number, (name, attributes) in enumerate(species().items()):
        pairs[name] = attributes
        pairs[_TWINS[number]] = _changed(attributes, 1 if number < _ONE_PART_PAIRS else 2, number)
    return MappingProxyType(pairs)


def twin_of(name: str) -> str:
    """The look-alike of a species."""
    names = list(twins())
    return names[names.index(name) ^ 1]


def twin_bank(name: str) -> tuple[str, ...]:
    """One phrasing of each attribute that the base never says, a spoken one of two, the twin's values where they
    differ (the distractors), and two non-visual facts. Fixed for a species, whatever the seed of the images."""
    rng = random.Random(f"hard bank of {name}")
    own, other = twins()[name], twins()[twin_of(name)]
    doubled = set(rng.sample(PARTS, 2))
    bank: list[str] = []
    for part in PARTS:
        *spoken, unspoken = all_phrases(part, own[part])
        bank += [unspoken, rng.choice(spoken)] if part in doubled else [unspoken]
    distractors = [all_phrases(part, other[part])[-1] for part in PARTS if own[part] != other[part]]
    return (*bank, *distractors, *rng.sample(NOT_VISUAL, 2))


def _changed(attributes: Attributes, count: int, number: int) -> Attributes:
    """`count` parts with another value, by turns over all parts."""
    rng = random.Random(f"twin {number}")
    parts = [PARTS[(number + k * 3) % len(PARTS)] for k in range(count)]
    return dict(attributes) | {part: rng.choice([v for v in VALUES[part] if v != attributes[part]]) for part in parts}
