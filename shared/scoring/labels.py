"""The closed-set scorer: which ONE class an answer names, else `none` or `several`. Pure; knows no model and no domain.

A class is named by its whole words, digits included; case, accents and the separators between its words do not matter.
A mention that the answer rejects (`shared.scoring.negation`) does not count, nor does a name that is part of a longer
name. `contains_label` is the published method's substring rule, reported beside it for comparison only.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from shared.scoring.negation import is_rejected

NONE = "none"
SEVERAL = "several"

_WORD = re.compile(r"[^\W_]+")
# What may stand between two words of a name, or nothing; `_ANY` where the name itself has other punctuation there.
_LOOSE = r"(?:[\s_\-‐-―'’/]|\.(?!\s))*"
_ANY = r"[\W_]*"
_PLURAL = r"(?:e?s)?"
_LEAST_PLURAL_LETTERS = 4
_COORDINATION = re.compile(r"(?:[\s,/&()\-]|\b(?:or|and|either|maybe|perhaps|possibly|even|just|a|an|the)\b)*")
_MORE_NUMBERS = re.compile(r"(?:\s*(?:/|-|\bor\b|\bto\b)\s*-?\d+\b)+")


@dataclass(frozen=True)
class Mention:
    """A place in the folded answer that names `labels`: more than one only when two names are written the same."""

    start: int
    end: int
    words: tuple[str, ...]
    labels: frozenset[str]


class LabelScorer:
    """Decides among `labels`. `aliases` maps a label to its other names (KeyError for an unknown label).

    Labels that differ only in case, accents or punctuation cannot be told apart: an answer with such a name is
    `several`. A label without any letter or digit is never named.
    """

    def __init__(self, labels: Iterable[str], aliases: Mapping[str, Iterable[str]] | None = None) -> None:
        names = {label: {label} for label in labels}
        for label, others in (aliases or {}).items():
            names[label].update(others)
        self._owners: dict[str, frozenset[str]] = {}
        for label, own in names.items():
            for name in filter(_key, own):
                self._owners[_key(name)] = self._owners.get(_key(name), frozenset()) | {label}
        self._names = _by_first_letter({name for own in names.values() for name in own if _key(name)})

    def decide(self, answer: str) -> str:
        """The one label that the answer names, else `none` or `several`."""
        text = fold(answer)
        mentions = list(self._mentions(text))
        spans = [(mention.start, mention.end) for mention in mentions]
        held = [mention for mention in mentions if not is_rejected(text, mention.start, mention.end, spans)]
        named: set[str] = set()
        for mention in held:
            if not _is_part_of_another(mention, held, text):
                named |= mention.labels
        if not named:
            return NONE
        return named.pop() if len(named) == 1 else SEVERAL

    def names(self, answer: str, label: str) -> bool:
        """Whether the answer names `label` and no other class."""
        return self.decide(answer) == label

    def _mentions(self, text: str) -> Iterator[Mention]:
        end = 0
        for word in _WORD.finditer(text):
            names = self._names.get(word.group()[0])
            match = names.match(text, word.start()) if names and word.start() >= end else None
            if match:
                end, written = match.end(), match.group()
                yield Mention(match.start(), end, tuple(_WORD.findall(written)), self._owner_of(_key(written)))
                yield from self._shorthand(text, match)

    def _owner_of(self, key: str) -> frozenset[str]:
        singular = (key, key.removesuffix("s"), key.removesuffix("es"))
        return next(self._owners[k] for k in singular if k in self._owners)

    def _shorthand(self, text: str, match: re.Match[str]) -> Iterator[Mention]:
        """The further classes of a list that repeats only the last number: `737-200/300` names two."""
        stem = re.sub(r"\d+$", "", match.group())
        more = _MORE_NUMBERS.match(text, match.end())
        if not more or stem == match.group():
            return
        for number in re.finditer(r"\d+", more.group()):
            written = stem + number.group()
            if owners := self._owners.get(_key(written)):
                start = more.start() + number.start()
                yield Mention(start, start + len(number.group()), tuple(_WORD.findall(written)), owners)


def contains_label(answer: str, label: str) -> bool:
    """The published method's rule: the label's text, lower-cased and without digits, occurs in the answer's.

    It says yes to nearly anything for labels that are mostly digits; kept only to compare with published figures.
    """
    return _loosely(label) in _loosely(answer)


def fold(text: str) -> str:
    """Lower case without accents, so that `Blériot` and `bleriot` are the same."""
    parted = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in parted if not unicodedata.combining(letter))


def name_pattern(name: str) -> str:
    """A regular expression for the name in folded text: whole words, any usual separators, singular or plural."""
    folded = fold(name)
    words = list(_WORD.finditer(folded))
    pattern = words[0].group()
    for before, word in pairwise(words):
        between = folded[before.end() : word.start()]
        pattern += (_LOOSE if re.fullmatch(_LOOSE, between) else _ANY) + word.group()
    last = words[-1].group()
    plural = _PLURAL if last.isalpha() and len(last) >= _LEAST_PLURAL_LETTERS else ""
    return rf"(?<![^\W_]){pattern}{plural}(?![^\W_])"


def _by_first_letter(names: set[str]) -> dict[str, re.Pattern[str]]:
    """For each letter a pattern of the longest name at a word that begins with it; one for all names would be slow."""
    longest_first = sorted(names, key=lambda name: (-len(_key(name)), name))
    grouped: dict[str, list[str]] = {}
    for name in longest_first:
        grouped.setdefault(_key(name)[0], []).append(name_pattern(name))
    return {letter: re.compile("|".join(patterns)) for letter, patterns in grouped.items()}


def _key(text: str) -> str:
    return "".join(_WORD.findall(fold(text)))


def _loosely(text: str) -> str:
    return re.sub(r"\d", "", text.lower().replace("-", " ").replace("_", " "))


def _is_part_of_another(mention: Mention, held: list[Mention], text: str) -> bool:
    """`The Border collie is a collie` names one class; `a Border collie or a collie` offers two."""
    longer = [other for other in held if _is_contained(mention.words, other.words)]
    return bool(longer) and not any(_are_coordinated(text, mention, other) for other in longer)


def _is_contained(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    if len(short) >= len(long):
        return False
    return any(long[i : i + len(short)] == short for i in range(len(long) - len(short) + 1))


def _are_coordinated(text: str, one: Mention, other: Mention) -> bool:
    first, second = sorted((one, other), key=lambda mention: mention.start)
    return bool(_COORDINATION.fullmatch(text, first.end, second.start))
