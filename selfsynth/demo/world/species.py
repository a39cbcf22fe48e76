"""Twelve fictional species: names, attributes, and a concept bank for each.

Any two species differ in at least six of the eight parts, so that three visible parts tell them apart.
Knows nothing of images.
"""

import random
from collections.abc import Mapping
from types import MappingProxyType

from selfsynth.demo.world.attributes import PARTS, VALUES, Attributes, all_phrases

# In the order of PARTS: body, wing, breast, head, crest, beak, tail, legs.
_SPECIES = {
    "Alder Quillow": ("purple", "patch", "white", "ringed", "plume", "spoon", "fan", "blue"),
    "Bramble Tarsin": ("black", "spotted", "golden", "capped", "absent", "straight", "forked", "webbed"),
    "Canyon Venwick": ("red", "striped", "rosy", "masked", "plume", "curved", "square", "webbed"),
    "Dapple Morrow": ("blue", "plain", "golden", "plain", "spiky", "curved", "fan", "orange"),
    "Elder Fenlark": ("orange", "striped", "white", "capped", "round", "cone", "forked", "blue"),
    "Glacier Pellan": ("brown", "spotted", "speckled", "cheeked", "plume", "curved", "pointed", "blue"),
    "Harvest Loomis": ("black", "striped", "banded", "cheeked", "spiky", "spoon", "fan", "black"),
    "Island Skerrit": ("blue", "patch", "rosy", "ringed", "round", "cone", "square", "black"),
    "Lantern Drossel": ("green", "patch", "banded", "masked", "spiky", "cone", "pointed", "webbed"),
    "Mosswood Kellin": ("green", "plain", "white", "masked", "absent", "spoon", "square", "black"),
    "Riverine Sabot": ("yellow", "patch", "banded", "ringed", "absent", "curved", "forked", "orange"),
    "Tundra Whistel": ("yellow", "plain", "speckled", "plain", "round", "straight", "forked", "black"),
}
NOT_VISUAL = (
    "a whistling song at dawn",
    "a nest woven from reeds",
    "a diet of small snails",
    "four eggs in early spring",
    "a shy and solitary nature",
    "a winter journey to the coast",
)
"""Facts that no image can show; every bank holds two."""


def species() -> Mapping[str, Attributes]:
    """Name of each species and its value for every part."""
    return MappingProxyType({name: dict(zip(PARTS, values, strict=True)) for name, values in _SPECIES.items()})


def concept_bank(name: str) -> list[str]:
    """What a field guide might say: one or two phrasings of each attribute, one wrong concept, two non-visual facts.

    Fixed for a species, whatever the seed of the images.
    """
    rng = random.Random(f"bank of {name}")
    attributes = species()[name]
    doubled = set(rng.sample(PARTS, 2))
    bank = [
        phrase
        for part in PARTS
        for phrase in rng.sample(all_phrases(part, attributes[part]), 2 if part in doubled else 1)
    ]
    wrong_part = rng.choice(PARTS)
    wrong_value = rng.choice([value for value in VALUES[wrong_part] if value != attributes[wrong_part]])
    return [*bank, rng.choice(all_phrases(wrong_part, wrong_value)), *rng.sample(NOT_VISUAL, 2)]
