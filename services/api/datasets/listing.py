"""What a reader finds: images with labels, before any is opened. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shared.types.records import Split


@dataclass(frozen=True)
class Item:
    """One image as its layout lists it. `source` is its path as the layout writes it; `split` None: yet to be drawn."""

    id: str
    path: Path
    label: str
    split: Split | None
    source: str


class Finding(BaseModel):
    """One line of a report: a stable code, what is wrong and how to mend it, and the file where it is one file's."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    file: str | None = None


@dataclass(frozen=True)
class Listing:
    """`concepts` is None when the layout has no concept bank. `classes` holds labels that the layout names, even those
    without images; `findings` are faults of the layout itself."""

    layout: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    concepts: Mapping[str, tuple[str, ...]] | None = None
    findings: tuple[Finding, ...] = field(default=())
