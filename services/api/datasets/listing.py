"""What a reader finds: images with labels, before any is opened. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.types.domain import Domain
from shared.types.records import Split

Severity = Literal["error", "warning"]


class ClassName(BaseModel):
    """A class by the label that models and users read, the name that the publisher wrote, and other names for it."""

    model_config = ConfigDict(frozen=True)

    label: str
    raw: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One image inside a Parquet file: the row counts within its row group; the column is dotted when nested."""

    row_group: int
    row: int
    column: str


@dataclass(frozen=True)
class Item:
    """One image as its layout lists it. `source` is its path as the layout writes it; `split` None: yet to be drawn.

    Items of one `group` (a patient, a lesion) must not lie in two splits. `crop_bottom_px` rows are cut off below.
    The bytes are those of the file at `path`, or of one `cell` of that file: `opening.read_bytes` fetches them.
    """

    id: str
    path: Path
    label: str
    split: Split | None
    source: str
    group: str | None = None
    crop_bottom_px: int = 0
    cell: Cell | None = None


class Finding(BaseModel):
    """One line of a report: a stable code, what is wrong and how to mend it, and the file where it is one file's.

    An `error` makes the data set unfit for use, until the policy says that such files are to be skipped.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    file: str | None = None
    severity: Severity = "error"


@dataclass(frozen=True)
class Listing:
    """`concepts` is None when the layout has no concept bank. `classes` holds all that the layout names, even those
    without images, sorted by label; `findings` are faults of the layout itself."""

    layout: str
    items: tuple[Item, ...]
    classes: tuple[ClassName, ...]
    concepts: Mapping[str, tuple[str, ...]] | None = None
    findings: tuple[Finding, ...] = field(default=())
    domain: Domain = field(default=Domain())

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(each.label for each in self.classes)
