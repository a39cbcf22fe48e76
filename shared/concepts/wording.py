"""A concept's wording: lists taken apart, bullets and frames taken off. Pure text; judges nothing."""

import re
import unicodedata
from collections.abc import Iterable

_BULLET = re.compile(
    r"^\s*(?:[-–—−*+•·●○◦∙▪▫■□◆◇▸▹►▶➢➤➔→⁃‣✓✔✅☑>~]+|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.):]|#\d{1,3}:?)(?:\s+|(?=[A-Z\"'*]))",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_QUOTES = "\"'“”‘’«»"
_ENDING = re.compile(r"[\s.;,:!…]+$")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BETWEEN = re.compile(r"\s+")
_NOUNS = "species|one|image|picture|photo|photograph|object|animal|specimen|individual|class|category|subject"
_SEEING = r"(?:you|we|i|one) (?:can |could )?(?:clearly )?(?:see|notice|observe)s?"
_HAS = (
    r"(?:usually |often |typically |generally |mostly |also )*"
    r"(?:has got|has|have|having|had|is|are|shows?|features?|displays?|possess(?:es)?|exhibits?|bears?|sports?"
    r"|can be recogni[sz]ed by|is recogni[sz]ed by|is characteri[sz]ed by|with)"
    r"(?: usually| often| typically| generally| mostly| also)*"
)


def tidied(text: str, noun: str = "") -> str:
    """The concept itself, without bullet, number, emphasis, quotes, "The bird has ..." and closing punctuation.

    `noun` is what the images show; a sentence about a part of it ("the wings are long") stays as it is.
    """
    bare = _BETWEEN.sub(" ", "".join(c for c in unicodedata.normalize("NFC", text) if _is_printed(c))).strip()
    while (less := _BULLET.sub("", bare, count=1)) != bare:
        bare = less
    bare = _unquoted(_EMPHASIS.sub("", bare))
    frame = _frame(noun)
    while (less := frame.sub("", bare, count=1)) != bare and less.strip():
        bare = less
    return _unquoted(bare)


def listed(text: str) -> list[str]:
    """The lines of a list that a model wrote, headings ("Features:") and code fences left out; prose is cut into its
    sentences and their commas. Not tidied yet."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("```")]
    items = [line for line in lines if not line.endswith(":")]
    if len(items) > 1 or (items and _BULLET.match(items[0])):
        return items
    return [piece.strip() for item in items for piece in re.split(r"[.;,]\s+|\s+and\s+", item) if piece.strip()]


def storable(text: str) -> str:
    """Without what databases and files refuse: control characters (line ends and tabs stay) and half surrogates."""
    return _UNSTORABLE.sub("", text)


def key_of(concept: str) -> str:
    """Concepts of the same key are the same concept: case, articles and punctuation do not count."""
    words = re.findall(r"\w+", concept.casefold())
    return " ".join(word for word in words if word not in ("a", "an", "the")) or concept.casefold()


def first_of_each(concepts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The first of equal concepts, and the repeats after it."""
    seen: set[str] = set()
    kept: list[str] = []
    repeats: list[str] = []
    for concept in concepts:
        key = key_of(concept)
        (repeats if key in seen else kept).append(concept)
        seen.add(key)
    return kept, repeats


def _frame(noun: str) -> re.Pattern[str]:
    last = noun.split()[-1:]
    whole = "|".join(re.escape(each) + "s?" for each in dict.fromkeys([noun, *last]) if each)
    nouns = f"{whole}|{_NOUNS}" if whole else _NOUNS
    subject = rf"(?:it|they|he|she|there|(?:the|this|these|that|an?|its|typical)\s+(?:{nouns}))"
    return re.compile(rf"^(?:{subject}\s+{_HAS}|{_HAS}|{_SEEING})\s+(?=\S)", re.IGNORECASE)


def _unquoted(text: str) -> str:
    less = _ENDING.sub("", text.strip())
    if len(less) > 1 and less[0] in _QUOTES and less[-1] in _QUOTES:
        return _ENDING.sub("", less[1:-1].strip())
    return less


def _is_printed(character: str) -> bool:
    """Not a control character; line ends and tabs are blanks here."""
    return character.isspace() or unicodedata.category(character)[0] != "C"
