"""The answer of a fallback: it names the label and explains nothing. Pure."""

import re

from shared.types.domain import AsksFor

_SPELT_WITH_VOWEL = frozenset("AEFHILMNORSX")
_SOUNDS_LIKE_VOWEL = re.compile(r"(?:[aeio8]|u(?!ni|se|sa|ti|r[aeiou])|11\b|18\b|hour|honest|heir)", re.IGNORECASE)
_SOUNDS_LIKE_CONSONANT = re.compile(r"(?:eu|ew|one\b|once\b)", re.IGNORECASE)
_SPELT = re.compile(r"([A-Z])(?:[B-DF-HJ-NP-TV-Z]*)(?![A-Za-z])")


def bare_answer(label: str, asks_for: AsksFor = "kind") -> str:
    return f"This shows {label}." if asks_for == "condition" else f"This is {_article(label)} {label}."


def _article(label: str) -> str:
    """a or an, by sound: `an A310`, `an F-16`, `a DC-10`, `a European robin`, `an 8`."""
    if spelt := _SPELT.match(label):
        return "an" if spelt[1] in _SPELT_WITH_VOWEL else "a"
    return "an" if _SOUNDS_LIKE_VOWEL.match(label) and not _SOUNDS_LIKE_CONSONANT.match(label) else "a"
