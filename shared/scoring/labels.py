"""The closed-set scorer: which ONE class an answer names, else `none` or `several`. Pure; knows no model and no domain.

A class is named by its whole words, digits included, in any usual writing (`shared.scoring.writing`). A mention that
the answer rejects (`shared.scoring.negation`) does not count, nor does a name that is part of a longer name, nor one in
a question that the answer repeats before it answers. `contains_label` is the published method's substring rule,
reported beside it for comparison only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from shared.scoring.negation import is_rejected
from shared.scoring.shorthand import listed_after, listed_before
from shared.scoring.writing import WORD, fold, fold_with_places, key_of, name_pattern, stem_of, words_of

NONE = "none"
SEVERAL = "several"

_COORDINATION = re.compile(r"(?:[\s,/&()\-]|\b(?:or|and|either|maybe|perhaps|possibly|even|just|a|an|the)\b)*")
_ARTICLE = re.compile(r"\b(?:an?|the)\s+$")
_ASKED = re.compile(r"[^.!?\n]*\?")  # what follows a name in a question


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
        self._alike: dict[str, list[tuple[str, str]]] = {}
        for label, own in names.items():
            for name in filter(key_of, own):
                key = key_of(name)
                self._owners[key] = self._owners.get(key, frozenset()) | {label}
                self._alike.setdefault(stem_of(key), []).append((name, label))
        self._names = _by_first_letter({name for own in names.values() for name in own if key_of(name)})

    def decide(self, answer: str) -> str:
        """The one label that the answer names, else `none` or `several`."""
        text = fold(answer)
        mentions = list(self._mentions(text))
        spans = [(mention.start, mention.end) for mention in mentions]
        held = [mention for mention in mentions if not is_rejected(text, mention.start, mention.end, spans)]
        held = _without_questions(held, text)
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

    def blanked(self, answer: str, blank: str) -> str:
        """The answer with every class's name, article included, taken out for `blank`; also those it rejects."""
        text, places = fold_with_places(answer)
        kept, end = "", 0
        for mention in sorted(self._mentions(text), key=lambda mention: mention.start):
            article = _ARTICLE.search(text, 0, mention.start)
            start = places[article.start() if article else mention.start]
            if places[mention.end] > end:
                kept += answer[end:start] + (blank if start >= end else "")
                end = places[mention.end]
        return kept + answer[end:]

    def _mentions(self, text: str) -> Iterator[Mention]:
        end = 0
        for word in WORD.finditer(text):
            names = self._names.get(word.group()[0])
            match = names.match(text, word.start()) if names and word.start() >= end else None
            if match:
                end = match.end()
                yield self._mention(match.start(), end, match.group())
                yield from self._shorthand(text, match.start(), end)

    def _mention(self, start: int, end: int, written: str) -> Mention:
        return Mention(start, end, words_of(written), self._owners_of(written))

    def _owners_of(self, written: str) -> frozenset[str]:
        """Of exactly this name, else of those of which it is another number; empty: of none."""
        key = key_of(written)
        if key in self._owners:
            return self._owners[key]
        alike = self._alike.get(stem_of(key), ())
        return frozenset(label for name, label in alike if re.fullmatch(name_pattern(name), written))

    def _shorthand(self, text: str, start: int, end: int) -> Iterator[Mention]:
        """The further classes of a list that says only once what their names share."""
        places = (*listed_before(text, start, end, self._is_name), *listed_after(text, start, end))
        yield from (self._mention(*place) for place in places if self._is_name(place[2]))

    def _is_name(self, written: str) -> bool:
        return bool(self._owners_of(written))


def contains_label(answer: str, label: str) -> bool:
    """The published method's rule: the label's text, lower-cased and without digits, occurs in the answer's.

    It says yes to nearly anything for labels that are mostly digits; kept only to compare with published figures.
    """
    return _loosely(label) in _loosely(answer)


def _by_first_letter(names: set[str]) -> dict[str, re.Pattern[str]]:
    """For each letter a pattern of the longest name at a word that begins with it; one for all names would be slow."""
    longest_first = sorted(names, key=lambda name: (-len(key_of(name)), name))
    grouped: dict[str, list[str]] = {}
    for name in longest_first:
        grouped.setdefault(key_of(name)[0], []).append(name_pattern(name))
    return {letter: re.compile("|".join(patterns)) for letter, patterns in grouped.items()}


def _loosely(text: str) -> str:
    return re.sub(r"\d", "", text.lower().replace("-", " ").replace("_", " "))


def _without_questions(held: list[Mention], text: str) -> list[Mention]:
    """`Is it a collie or a malamute? It is a malamute.` names one class: a question before the first statement that
    names any is one that the answer repeats."""
    stated = [mention.start for mention in held if not _ASKED.match(text, mention.end)]
    return [mention for mention in held if mention.start >= min(stated)] if stated else held


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
