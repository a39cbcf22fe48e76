"""Whether a text repeats itself. Pure; looks at words only, knows no image and no model."""

import re
from collections.abc import Sequence

from shared.scoring.writing import fold, name_pattern

_SIZE = 3
_DETERMINERS = frozenset(("a", "an", "the", "its", "his", "her", "their", "this", "that", "these", "those", "has"))
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[,.;:!?|]")


def repeats(text: str, label: str = "") -> bool:
    """True when a word trigram outside the label occurs twice, a phrase is listed twice ("red beak, a red beak"), or a
    word or pair of words is stuttered. Case and punctuation do not matter; the label itself may occur often."""
    spans = _spans_outside(fold(text), label)
    trigrams = [gram for span in spans for gram in _grams(_words(span), _SIZE)]
    listed = [phrase for span in spans for phrase in _phrases(span)]
    return _has_twins(trigrams) or _has_twins(listed) or any(_stutters(_words(span)) for span in spans)


def _spans_outside(folded: str, label: str) -> list[str]:
    if not re.search(r"[^\W_]", label):
        return [folded]
    return re.split(name_pattern(label), folded)


def _words(span: str) -> list[str]:
    return [token for token in _TOKEN.findall(span) if token[0].isalnum()]


def _phrases(span: str) -> list[tuple[str, ...]]:
    """What stands between commas and "and"/"or", without determiners; single words are no phrases."""
    pieces = re.split(r"[,.;:!?|\n]|\b(?:and|or|with)\b", span)
    bare = (tuple(word for word in _words(piece) if word not in _DETERMINERS) for piece in pieces)
    return [phrase for phrase in bare if len(phrase) > 1]


def _stutters(words: Sequence[str]) -> bool:
    thrice = any(len(set(words[i : i + 3])) == 1 for i in range(len(words) - 2))
    pair_twice = any(words[i : i + 2] == words[i + 2 : i + 4] for i in range(len(words) - 3))
    return thrice or pair_twice


def _grams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]


def _has_twins(items: Sequence[tuple[str, ...]]) -> bool:
    return len(set(items)) < len(items)
