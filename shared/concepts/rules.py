"""What speaks against a concept, by its words alone: it gives the class away, says what no picture shows, or is no
short phrase. Pure; knows no embedding."""

import re
from collections.abc import Iterable
from typing import Literal

from shared.concepts.labels import plain
from shared.concepts.words import COLOURS, JOINING, MEASURES, NUMBERS, PARTS, SHAPES, UNSEEN

Fault = Literal["empty", "too_long", "too_short", "gives_away", "not_visual"]
_MOST_CHARACTERS = 200
_UNSEEN = re.compile("|".join([rf"\b(?:{'|'.join(UNSEEN)})\b", *MEASURES]), re.IGNORECASE)
# Words of a class's name that describe rather than name: a concept may use them.
_DESCRIBING = frozenset(" ".join((COLOURS, SHAPES, PARTS, NUMBERS, JOINING)).split())
_CONTRASTING = frozenset(" ".join((COLOURS, SHAPES, PARTS, NUMBERS)).split())


def says_unseen(concept: str) -> bool:
    """Whether the words tell of weight, behaviour, place, sound, use, history or treatment: no picture shows them."""
    return bool(_UNSEEN.search(concept))


def contrast(one: str, other: str) -> bool:
    """Whether each names a colour, shape, part or number that the other does not ("white head", "black head"), or both
    name the same in another order ("white with black spots"). Such concepts are two, however near their meaning."""
    first, second = ([w for w in plain(text).split() if w in _CONTRASTING] for text in (one, other))
    if set(first) == set(second):
        return first != second and len(first) > 2
    return bool(set(first) - set(second)) and bool(set(second) - set(first))


class GivesAway:
    """Whether a concept names its own class: by the whole name or an alias, or by a word of it that is no plain word of
    looks ("albatross-like"). `nouns` are what all images show ("skin lesion"): their words betray nothing."""

    def __init__(self, names: Iterable[str], noun: str = "") -> None:
        self._phrases = {f" {phrase} " for name in names if len(phrase := plain(name)) > 1}
        common = {_stem(word) for word in {*plain(noun).split(), *_DESCRIBING}}
        words = {word for phrase in self._phrases for word in phrase.split()}
        self._stems = {_stem(word) for word in words if len(word) > 2} - common

    def __call__(self, concept: str) -> bool:
        said = plain(concept)
        if any(phrase in f" {said} " for phrase in self._phrases):
            return True
        return not self._stems.isdisjoint(map(_stem, said.split()))


def length_fault(concept: str, most_words: int) -> Fault | None:
    """A concept without a letter is too short, whatever its length."""
    if not concept:
        return "empty"
    if len(concept) < 3 or not any(character.isalpha() for character in concept):
        return "too_short"
    return "too_long" if len(concept.split()) > most_words or len(concept) > _MOST_CHARACTERS else None


def fault_of(concept: str, gives_away: GivesAway, most_words: int) -> Fault | None:
    """The first that speaks against it; None when nothing does."""
    if fault := length_fault(concept, most_words):
        return fault
    if gives_away(concept):
        return "gives_away"
    return "not_visual" if says_unseen(concept) else None


def _stem(word: str) -> str:
    """A word without its ending, roughly: singular and plural come to the same ("keratosis", "keratoses")."""
    bare = word.rstrip("aeiouys")
    return bare if len(bare) >= 3 else word
