"""The concept bank: every class's concepts, where each came from, and what was taken out. Pure."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SourceKind = Literal["file", "request", "endpoint", "own_model", "expert"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BankSource(_Frozen):
    """Who named concepts: a file or a request, a model behind an endpoint, the job's own model, or an expert.

    `name` is a file's; `prompt_sha256` is over the prompt's template; `made_at` is ISO 8601 in UTC; tokens are what the
    endpoint reported.
    """

    id: str
    kind: SourceKind
    made_at: str = ""
    name: str = ""
    model: str | None = None
    host: str | None = None
    prompt_sha256: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Origin(_Frozen):
    """`source` is a BankSource's id; `images` counts the images in which a model saw the concept, where it looked."""

    source: str
    images: int | None = None


class Removed(_Frozen):
    """A concept that is not in the bank although somebody named it, and why (a short code); `instead` is the kept one
    that says the same."""

    label: str
    concept: str
    reason: str
    source: str | None = None
    instead: str | None = None


class ConceptBank(_Frozen):
    """Concepts by label. Immutable: a change is a new version. `origins` is by label and concept; banks made before
    there was provenance have none."""

    version: int = Field(ge=1)
    concepts: dict[str, tuple[str, ...]]
    origins: dict[str, dict[str, Origin]] = {}
    sources: tuple[BankSource, ...] = ()
    removed: tuple[Removed, ...] = ()

    def without(self, label: str) -> tuple[str, ...]:
        """All distinct concepts of the other classes, minus (by text) every concept that `label` has too."""
        own = set(self.concepts[label])
        return tuple(
            dict.fromkeys(c for other, cs in self.concepts.items() if other != label for c in cs if c not in own)
        )

    def with_repeats(self) -> tuple[str, ...]:
        """Every class's concepts one after the other, shared ones as often as they occur."""
        return tuple(c for cs in self.concepts.values() for c in cs)

    def origin(self, label: str, concept: str) -> Origin | None:
        return self.origins.get(label, {}).get(concept)


def bank_of(concepts: Mapping[str, tuple[str, ...]], source: BankSource) -> ConceptBank:
    """A first version, all of one source."""
    origins = {label: {c: Origin(source=source.id) for c in of_label} for label, of_label in concepts.items()}
    return ConceptBank(version=1, concepts=dict(concepts), origins=origins, sources=(source,))
