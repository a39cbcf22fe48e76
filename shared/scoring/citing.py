"""Which concepts of a bank a text cites, by their wording. Pure; knows no model, no embedding and no class.

A concept is cited where its words stand in a row, or all in one clause, in singular or plural ("a red crown": "its
crown is red"), and are not rejected ("no red crown"). Other words for the same thing are not found: what is counted is
a lower bound of what a reader finds.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from shared.scoring.negation import is_rejected
from shared.scoring.writing import WORD, fold, fold_with_places

_SAYS_NOTHING = (
    "a an the of on in at to by as its it is are was were be has have having his her their this that these "
    "those there over across along around from for like all very quite rather"
)
_EMPTY = frozenset(_SAYS_NOTHING.split())
# They end a clause, but stand within some concepts.
_JOINING = frozenset(("and", "or", "with", "while", "but", "whose", "which"))
_CLAUSE_END = re.compile(rf"[.,;:!?()\n—–]+|\b(?:{'|'.join(sorted(_JOINING))})\b")
_SENTENCE_END = re.compile(r"[.;!?\n]+")
_LEAST_PLURAL_LETTERS = 4


@dataclass(frozen=True)
class Citation:
    """`text[start:end]` cites the concept."""

    concept: str
    start: int
    end: int


@dataclass(frozen=True)
class _Word:
    stem: str
    start: int
    end: int
    clause: int
    sentence: int


class Citing:
    """Finds the concepts of a bank. Equal wordings are one concept; one without any word is never found."""

    def __init__(self, concepts: Iterable[str]) -> None:
        stems = {concept: tuple(_stems(concept)) for concept in dict.fromkeys(concepts)}
        self._stems = {concept: found for concept, found in stems.items() if set(found) - _JOINING}
        often = Counter(stem for found in self._stems.values() for stem in set(found) - _JOINING)
        self._by_rarest: dict[str, list[str]] = {}
        for concept, found in self._stems.items():
            self._by_rarest.setdefault(min(set(found) - _JOINING, key=lambda stem: often[stem]), []).append(concept)

    def citations(self, text: str) -> tuple[Citation, ...]:
        """Each cited concept once, in the order in which they appear."""
        folded, places = fold_with_places(text)
        words = _words(folded)
        said = {word.stem for word in words}
        near = (concept for stem in said for concept in self._by_rarest.get(stem, ()))
        near = (concept for concept in near if said.issuperset(self._stems[concept]))
        found = (self._citation(concept, folded, places, words) for concept in near)
        return tuple(sorted((each for each in found if each), key=lambda each: (each.start, each.end, each.concept)))

    def concepts(self, text: str) -> frozenset[str]:
        return frozenset(citation.concept for citation in self.citations(text))

    def _citation(self, concept: str, folded: str, places: Sequence[int], words: Sequence[_Word]) -> Citation | None:
        stems = self._stems[concept]
        for start, end in (*_in_a_row(stems, words), *_in_a_clause(stems, words)):
            if not is_rejected(folded, start, end, ()):
                return Citation(concept, places[start], places[end])
        return None


def _in_a_row(stems: Sequence[str], words: Sequence[_Word]) -> Iterator[tuple[int, int]]:
    for first in range(len(words) - len(stems) + 1):
        row = words[first : first + len(stems)]
        if [word.stem for word in row] == list(stems) and row[0].sentence == row[-1].sentence:
            yield row[0].start, row[-1].end


def _in_a_clause(stems: Sequence[str], words: Sequence[_Word]) -> Iterator[tuple[int, int]]:
    wanted = set(stems) - _JOINING
    for _, clause in groupby(words, key=lambda word: word.clause):
        own = [word for word in clause if word.stem in wanted]
        if own and wanted == {word.stem for word in own}:
            yield own[0].start, own[-1].end


def _words(folded: str) -> list[_Word]:
    """The words that say something."""
    clause_ends = [match.start() for match in _CLAUSE_END.finditer(folded)]
    sentence_ends = [match.start() for match in _SENTENCE_END.finditer(folded)]
    words, clause, sentence = [], 0, 0
    for match in WORD.finditer(folded):
        while clause < len(clause_ends) and clause_ends[clause] < match.start():
            clause += 1
        while sentence < len(sentence_ends) and sentence_ends[sentence] < match.start():
            sentence += 1
        if match.group() not in _EMPTY:
            words.append(_Word(_stem(match.group()), match.start(), match.end(), clause, sentence))
    return words


def _stems(concept: str) -> Iterator[str]:
    return (_stem(word) for word in WORD.findall(fold(concept)) if word not in _EMPTY)


def _stem(word: str) -> str:
    """Singular and plural are the same."""
    if len(word) < _LEAST_PLURAL_LETTERS or word.endswith("ss") or not word.endswith("s"):
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]
