"""What a reader is: one layout's name, how to know it, and how to read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.api.datasets.listing import ClassName, Finding, Item
from services.api.datasets.names import as_class
from shared.errors import InvalidInput
from shared.types.domain import Domain

Options = Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """What a reader found, before names are made readable: an item's `label` is still the raw name.

    `raws` are classes that the layout names, with or without images. `bank` is the layout's own concept bank; None: it
    is looked for under its usual names.
    """

    items: tuple[Item, ...]
    raws: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    bank: Path | None = None


@dataclass(frozen=True)
class Reader:
    """`recognise` says why a file or folder has the layout, or None; it is quick, opens no image and raises nothing.
    `read` raises InvalidInput that names the file and the line when the layout's own files are not as they should be.

    A `published` layout is one data set's own; it is held for more telling than a general one that fits too.
    `options` are what a user may choose: the allowed values by name, the first is the default; none: any text.
    `looks_like` is for docs/datasets.md.
    """

    layout: str
    looks_like: str
    recognise: Callable[[Path], str | None]
    read: Callable[[Path, Options], Draft]
    published: bool = False
    domain: Domain = field(default=Domain())
    class_name: Callable[[str], ClassName] = as_class
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def checked(self, options: Options) -> Options:
        """The options with their defaults. Raises InvalidInput for one that the reader does not have."""
        for name, value in options.items():
            allowed = self.options.get(name)
            if allowed is None or (allowed and value not in allowed):
                known = "; ".join(f"{n}: {' or '.join(a) or 'a name'}" for n, a in self.options.items()) or "none"
                raise InvalidInput(
                    f"the layout {self.layout} has no option {name}={value!r}", remedy=f"Its options are: {known}."
                )
        return {name: allowed[0] for name, allowed in self.options.items() if allowed} | dict(options)


def fault(path: Path, line: int, what: str) -> InvalidInput:
    """A layout's own file is wrong in this line."""
    return InvalidInput(f"{path.name}, line {line}: {what}", remedy="Mend the file, or take the publisher's anew.")
