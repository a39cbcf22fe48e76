"""Which class of a data set a bank's label means: by label, raw name or alias, whatever case and punctuation. Pure."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

_POSSESSIVE = re.compile(r"['’`]s\b|['’`]")
_NUMBER = re.compile(r"^\d+\.\s*(?=\D)")
_BETWEEN = re.compile(r"[\W_]+")


class ConceptClass(BaseModel):
    """A class as a bank must know it: its label, the publisher's raw name, other names."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    label: str
    raw: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, the label first."""
        return tuple(dict.fromkeys(name for name in (self.label, self.raw, *self.aliases) if name))


@dataclass(frozen=True)
class Matched:
    """Concepts by label, in the data set's order. `unknown` are a bank's labels that mean no class, `ambiguous` those
    that mean several; their concepts are in no class."""

    concepts: dict[str, list[str]]
    unknown: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)


def plain(name: str) -> str:
    """Letters and digits in lower case with single blanks: "001.Black_footed_Albatross" -> "black footed albatross".
    A possessive is dropped, since publishers do so too: "Brewer's Blackbird" -> "brewer blackbird"."""
    folded = unicodedata.normalize("NFKC", _NUMBER.sub("", name)).casefold()
    return _BETWEEN.sub(" ", _POSSESSIVE.sub("", folded)).strip()


def match(bank: Mapping[str, Sequence[str]], classes: Iterable[ConceptClass]) -> Matched:
    """Two labels of the bank that mean one class have their concepts joined."""
    known = list(classes)
    exact = {each.label: each.label for each in known}
    meant = _by_name(known)
    found: dict[str, list[str]] = {each.label: [] for each in known}
    unknown: list[str] = []
    ambiguous: list[str] = []
    for name, concepts in bank.items():
        labels = {exact[name]} if name in exact else meant.get(plain(name)) or meant.get(_joined(name)) or set()
        if len(labels) == 1:
            found[next(iter(labels))] += concepts
        else:
            (ambiguous if labels else unknown).append(name)
    return Matched(found, unknown, ambiguous)


def suggestions(name: str, classes: Iterable[ConceptClass]) -> list[str]:
    """Labels whose spelling comes near `name`."""
    by_plain = {plain(each.label): each.label for each in classes}
    return [by_plain[near] for near in difflib.get_close_matches(plain(name), by_plain, n=2, cutoff=0.75)]


def _by_name(classes: Iterable[ConceptClass]) -> dict[str, set[str]]:
    """Labels by every plain name, and by it without blanks ("goldfinch", "gold finch"). A label wins over another
    class's raw name, and that over an alias."""
    known = list(classes)
    by_label = _keys((each.label, (each.label,)) for each in known)
    by_raw = _keys((each.label, (each.raw,)) for each in known)
    return _keys((each.label, each.aliases) for each in known) | by_raw | by_label


def _keys(names: Iterable[tuple[str, Iterable[str]]]) -> dict[str, set[str]]:
    meant: dict[str, set[str]] = {}
    for label, of_label in names:
        for name in filter(None, of_label):
            for key in (plain(name), _joined(name)):
                meant.setdefault(key, set()).add(label)
    return meant


def _joined(name: str) -> str:
    return plain(name).replace(" ", "")
