"""The concept bank: every class's concepts. Pure."""

from pydantic import BaseModel, ConfigDict, Field


class ConceptBank(BaseModel):
    """Concepts by label. Immutable: a change is a new version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    concepts: dict[str, tuple[str, ...]]

    def without(self, label: str) -> tuple[str, ...]:
        """All distinct concepts of the other classes, minus (by text) every concept that `label` has too."""
        own = set(self.concepts[label])
        return tuple(
            dict.fromkeys(c for other, cs in self.concepts.items() if other != label for c in cs if c not in own)
        )

    def with_repeats(self) -> tuple[str, ...]:
        """Every class's concepts one after the other, shared ones as often as they occur."""
        return tuple(c for cs in self.concepts.values() for c in cs)
