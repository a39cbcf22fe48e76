"""Lists that say only once what their names share: `737-200/300`, `Laysan and Sooty Albatross`. Pure; knows no names.

Both functions give places in a folded text, and what stands there written out.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from shared.scoring.writing import WORD, words_of

_MORE_NUMBERS = re.compile(r"(?:\s*(?:/|-|\bor\b|\bto\b)\s*-?\d+\b)+")
_JOINT = re.compile(r"(?:\s*[,/&]\s*(?:(?:or|and)\s+)?|\s+(?:or|and)\s+)(?:an?\s+|the\s+)?$")
_MOST_WORDS = 4
_LONGEST_LETTERS = 80
Place = tuple[int, int, str]


def listed_after(text: str, start: int, end: int) -> Iterator[Place]:
    """The further items of a list after text[start:end] that repeats only the last number."""
    written = text[start:end]
    stem = re.sub(r"\d+$", "", written)
    more = _MORE_NUMBERS.match(text, end)
    if not more or stem == written:
        return
    for number in re.finditer(r"\d+", more.group()):
        at = more.start() + number.start()
        yield at, at + len(number.group()), stem + number.group()


def listed_before(text: str, start: int, end: int, is_name: Callable[[str], bool]) -> Iterator[Place]:
    """The names in a list before text[start:end] that leave out the last words of it, from the last one back."""
    words = words_of(text[start:end])
    tails = [" ".join(words[k:]) for k in range(1, len(words))]
    place = _item_before(text, start, tails, is_name)
    while place:
        yield place
        place = _item_before(text, place[0], tails, is_name)


def _item_before(text: str, start: int, tails: Sequence[str], is_name: Callable[[str], bool]) -> Place | None:
    """The longest item that ends before `start` and a joint, and that one of the tails makes a name."""
    joint = _JOINT.search(text, max(0, start - _LONGEST_LETTERS), start)
    if joint is None:
        return None
    words = WORD.finditer(text, max(0, joint.start() - _LONGEST_LETTERS), joint.start())
    starts = [word.start() for word in words][-_MOST_WORDS:]
    written = ((at, f"{text[at : joint.start()]} {tail}") for at in starts for tail in tails)
    return next(((at, joint.start(), name) for at, name in written if is_name(name)), None)
