"""The ways in which one name may be written: case, accents, separators, singular and plural, any script. Pure.

Scripts that set no spaces between words (Han, kana, Hangul with its particles, Thai, Lao) have no whole words to look
for: there each letter is a word, and a name is found inside of others.
"""

import re
import unicodedata
from itertools import pairwise

# As they are after `fold`: Hangul syllables are taken apart into their letters.
_UNSPACED = "ᄀ-ᇿ぀-ヿ㐀-䶿一-鿿豈-﫿฀-໿"
WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_SPACED = rf"[^\W_{_UNSPACED}]"
# What may stand between two words of a name, or nothing; `_ANY` where the name itself has other punctuation there.
_LOOSE = r"(?:[\s_\-‐-―'’/]|\.(?!\s))*"
_ANY = r"[\W_]*"
_LEAST_PLURAL_LETTERS = 3
# The first that a word ends with: canaries or canary, finches or finch, glass, cactus, lesions or lesion.
_NUMBERS = {
    "ies": "(?:ies?|y)",
    "y": "(?:ies|ys?)",
    "ses": "s(?:es?)?",
    "xes": "x(?:es?)?",
    "zes": "z(?:es?)?",
    "ches": "ch(?:es?)?",
    "shes": "sh(?:es?)?",
    "oes": "o(?:es?)?",
    "ss": "ss(?:es)?",
    "us": "us(?:es)?",
    "is": "is(?:es)?",
    "s": "s?",
}


def fold(text: str) -> str:
    """Lower case without accents, so that `Blériot` and `bleriot` are the same."""
    parted = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in parted if not unicodedata.combining(letter))


def fold_with_places(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its letters the place in `text` that it comes from; one more for the end."""
    pieces = [fold(letter) for letter in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), [*places, len(text)]


def words_of(folded: str) -> tuple[str, ...]:
    return tuple(WORD.findall(folded))


def key_of(text: str) -> str:
    """What all ways to write a name have in common, but for its number: its letters and digits."""
    return "".join(words_of(fold(text)))


def stem_of(key: str) -> str:
    """The same for all ways to write a name, its number included; some names of different words share one."""
    return key.rstrip("iyes")


def name_pattern(name: str) -> str:
    """A regular expression for the name in folded text: whole words, any usual separators, singular or plural."""
    folded = fold(name)
    words = list(WORD.finditer(folded))
    pattern = "".join(
        before.group() + _between(folded[before.end() : after.start()]) for before, after in pairwise(words)
    )
    last = words[-1].group()
    begin = rf"(?<!{_SPACED})" if re.match(_SPACED, words[0].group()) else ""
    end = rf"(?!{_SPACED})" if re.match(_SPACED, last) else ""
    return begin + pattern + _in_any_number(last) + end


def _between(separators: str) -> str:
    return _LOOSE if re.fullmatch(_LOOSE, separators) else _ANY


def _in_any_number(word: str) -> str:
    """Of the last word of a name: as it is, and in singular and plural where it is one that has them."""
    if not (word.isalpha() and word.isascii()) or len(word) < _LEAST_PLURAL_LETTERS:
        return word
    for ending, forms in _NUMBERS.items():
        if word.endswith(ending):
            return word.removesuffix(ending) + forms
    return word + "(?:e?s)?"
