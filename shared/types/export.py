"""What an export is asked to make, and what it leaves. Pure.

The facts for the model card are taken when the export is posted, so that the card is the same whoever writes it.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.types.records import Record

Form = Literal["adapter", "merged"]
Dtype = Literal["base", "float32"]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExportWish(_Facts):
    """Two exports with the same wish are one. `round` is a trained one; `dtype` is that of merged weights."""

    job: str
    round: int = Field(ge=1)
    form: Form = "adapter"
    dtype: Dtype = "base"
    license: str | None = None


class DatasetFacts(_Facts):
    id: str
    name: str
    noun: str = "object"
    classes: tuple[str, ...]
    splits: dict[str, int]
    layout: str | None = None


class RoundFacts(_Facts):
    """One round of the job. `adapter` and `sha256` are None for round 0; `figures` may hold None."""

    round: int
    adapter: str | None = None
    sha256: str | None = None
    figures: dict[str, Any] = {}


class ExportJob(_Facts):
    """The parameters of the step. `prefix` is where the adapter's files lie, `sha256` that of its weights."""

    wish: ExportWish
    base_model: str
    prefix: str
    sha256: str
    method: str
    seed: int
    settings: dict[str, Any]
    dataset: DatasetFacts
    concept_bank_version: int | None = None
    rounds: tuple[RoundFacts, ...]


class ExportedFile(Record):
    """One file of what is given away. `name` has no folder in it."""

    name: str
    key: str
    size_bytes: int
    sha256: str
