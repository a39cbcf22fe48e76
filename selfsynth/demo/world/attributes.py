"""What a drawn bird is made of: eight parts, the values each can take, and the words for them.

Every part has a colour or shape of its own, so that no part betrays another one. Knows neither species nor drawing.
"""

from collections.abc import Mapping
from types import MappingProxyType

Attributes = Mapping[str, str]
"""A value for every part of PARTS."""

# part -> value -> phrases. The last phrase of each value is only for concept banks: the base model never says it.
_PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "body": {
        "red": ("a scarlet red body", "red plumage on the body", "body feathers in red"),
        "blue": ("a royal blue body", "blue plumage on the body", "body feathers in blue"),
        "yellow": ("a lemon yellow body", "yellow plumage on the body", "body feathers in yellow"),
        "green": ("a lime green body", "green plumage on the body", "body feathers in green"),
        "brown": ("a chestnut brown body", "brown plumage on the body", "body feathers in brown"),
        "black": ("a coal black body", "black plumage on the body", "body feathers in black"),
        "purple": ("a violet purple body", "purple plumage on the body", "body feathers in purple"),
        "orange": ("a pumpkin orange body", "orange plumage on the body", "body feathers in orange"),
    },
    "wing": {
        "striped": ("wings crossed by white stripes", "striped wings", "white bars across the wings"),
        "spotted": ("wings full of pale spots", "spotted wings", "pale dots all over the wings"),
        "plain": ("plain slate wings", "wings without a pattern", "unpatterned dark wings"),
        "patch": ("one large white patch on the wing", "a white wing panel", "a broad white wing block"),
    },
    "breast": {
        "white": ("a snow white breast", "a clean pale chest", "a chest of pure white"),
        "speckled": ("a breast dotted with dark specks", "a speckled chest", "dark freckles over the chest"),
        "banded": ("a black band across the breast", "a dark bar on the chest", "a chest crossed by one dark bar"),
        "rosy": ("a rosy pink breast", "a pink flush on the chest", "a chest coloured pink"),
        "golden": ("a golden breast", "a gold bib on the chest", "a chest coloured gold"),
    },
    "head": {
        "masked": ("a black mask over the eyes", "a dark stripe through the eye", "a bandit-like eye mask"),
        "capped": ("a crimson cap on the head", "a red crown", "a head topped with crimson"),
        "ringed": ("a bold white ring around the eye", "a white eye circle", "an eye framed in white"),
        "plain": ("a plain face", "a face without markings", "an unmarked face"),
        "cheeked": ("an orange cheek spot", "a round orange cheek", "an orange blot on the cheek"),
    },
    "crest": {
        "spiky": ("a tall spiky crest", "sharp crest feathers", "a pointed crown of spikes"),
        "round": ("a low rounded crest", "a soft tuft on the crown", "a puffy bump of crest feathers"),
        "absent": ("no crest at all", "a smooth crown", "a crown lacking any crest"),
        "plume": ("a long crest plume", "one thin feather rising from the crown", "a single tall crown plume"),
    },
    "beak": {
        "cone": ("a short thick beak", "a stubby cone bill", "a bill shaped like a small cone"),
        "straight": ("a long straight beak", "a thin needle bill", "a bill as straight as a needle"),
        "curved": ("a beak that curves down", "a hooked bill", "a bill bent downward"),
        "spoon": ("a beak with a spoon tip", "a flat spoon bill", "a bill widening like a spoon"),
    },
    "tail": {
        "forked": ("a deeply forked tail", "a tail split in two", "two points at the end of the tail"),
        "square": ("a short square tail", "a blunt tail", "a tail cut off straight"),
        "fan": ("a broad fan tail", "a tail spread wide", "a tail opened like a fan"),
        "pointed": ("a long pointed tail", "a slender streaming tail", "a tail narrowing to one point"),
    },
    "legs": {
        "orange": ("long orange legs", "thin orange shanks", "tall legs in orange"),
        "black": ("short black legs", "small dark feet", "stumpy legs in black"),
        "webbed": ("yellow webbed feet", "broad paddling feet", "feet with yellow webs"),
        "blue": ("bright blue legs", "thick blue shanks", "legs in vivid blue"),
    },
}

PARTS: tuple[str, ...] = tuple(_PHRASES)
VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType({part: tuple(values) for part, values in _PHRASES.items()})
MEANING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {phrase: (part, value) for part, values in _PHRASES.items() for value, all_ in values.items() for phrase in all_}
)
"""Phrase -> the part and value that it means."""


def spoken_phrases(part: str, value: str) -> tuple[str, ...]:
    """The phrasings that the base model learns to say."""
    return _PHRASES[part][value][:-1]


def all_phrases(part: str, value: str) -> tuple[str, ...]:
    """Every phrasing, those that only concept banks use included."""
    return _PHRASES[part][value]
