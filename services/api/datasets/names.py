"""Makes readable labels of the names that publishers give their classes. Knows no data set."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from services.api.datasets.listing import ClassName, Finding

# 001.Black_footed_Albatross and n02085620-Chihuahua; a 707-320 or a 1.5_inch keeps its number.
_NUMBERED = re.compile(r"(?:\d+\.(?=[^\W\d_])|n\d{8}-(?=\S))")

_INSTEAD = {"Cc": " ", "Cs": "\ufffd"}


def readable(raw: str) -> str:
    """The name without a leading number or WordNet id, with spaces for underscores."""
    text = unicodedata.normalize("NFC", raw).strip()
    words = _NUMBERED.sub("", text, count=1) if _NUMBERED.match(text) else text
    return " ".join(words.replace("_", " ").split()) or text


def writable(text: str) -> str:
    """The text without control characters and without bytes of another encoding, which file names may hold."""
    if text.isprintable():
        return text
    return "".join(_INSTEAD.get(unicodedata.category(character), character) for character in text)


def as_class(raw: str) -> ClassName:
    return ClassName(label=readable(raw), raw=raw)


def key(name: str) -> str:
    """What two spellings of a name have in common: neither case nor punctuation."""
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", name).casefold()).split()) or name


@dataclass(frozen=True)
class Names:
    """`classes` sorted by label; `label_of` finds a label by its raw name."""

    classes: tuple[ClassName, ...]
    label_of: Mapping[str, str]
    findings: tuple[Finding, ...]


def named(raws: Iterable[str], class_name: Callable[[str], ClassName] = as_class) -> Names:
    """The classes of these raw names. Those whose labels would be the same keep their raw names, with an error: a model
    cannot tell them apart by name, and whether they are one class only their owner knows."""
    classes = {raw: class_name(raw) for raw in sorted(set(raws))}
    while alike := [group for group in _groups(classes, lambda each: each.label) if len(group) > 1]:
        classes |= {each.raw: each.model_copy(update={"label": each.raw}) for group in alike for each in group}
    same = _groups({raw: class_name(raw) for raw in classes}, lambda each: each.label.casefold())
    return Names(
        classes=tuple(sorted(classes.values(), key=lambda each: each.label)),
        label_of={raw: each.label for raw, each in classes.items()},
        findings=tuple(_alike(group) for group in same if len(group) > 1),
    )


def _groups(classes: Mapping[str, ClassName], by: Callable[[ClassName], str]) -> list[list[ClassName]]:
    groups: dict[str, list[ClassName]] = defaultdict(list)
    for each in classes.values():
        groups[by(each)].append(each)
    return list(groups.values())


def _alike(group: list[ClassName]) -> Finding:
    raws = ", ".join(repr(each.raw) for each in group)
    return Finding(
        code="labels_alike",
        message=f"the classes {raws} read the same; rename them, or make them one",
        severity="error",
    )
