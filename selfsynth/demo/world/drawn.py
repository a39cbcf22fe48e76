"""The worlds that the demo can draw, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from selfsynth.demo.world.kinds import World
from selfsynth.demo.world.scene import BACKGROUNDS
from selfsynth.demo.world.species import concept_bank, species
from selfsynth.demo.world.twins import twin_bank, twins

EASY = World(
    name="easy",
    species=species(),
    banks=MappingProxyType({name: tuple(concept_bank(name)) for name in species()}),
    per_class=MappingProxyType({"train": 30, "validation": 8, "test": 25}),
    hiding_rate=0.25,  # a little less than in the pictures that the base was trained on
)
HARD = World(
    name="hard",
    species=twins(),
    banks=MappingProxyType({name: twin_bank(name) for name in twins()}),
    per_class=MappingProxyType({"train": 12, "validation": 4, "test": 26}),
    hiding_rate=0.25,
    backgrounds=MappingProxyType({name: number % len(BACKGROUNDS) for number, name in enumerate(twins())}),
    own_background=0.9,
    wrong_labels=0.08,
)
WORLDS: Mapping[str, World] = MappingProxyType({world.name: world for world in (EASY, HARD)})
