"""What a user asks for when registering a data set. Pure."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.api.datasets.validate import Policy

Concept = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Concepts = dict[str, list[Concept]]


class Source(BaseModel):
    """A folder that the coordinator can read, or (set by an upload) an archive's key in the object store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = None
    upload: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.upload is None):
            raise ValueError("give a path")
        return self


class IngestRequest(BaseModel):
    """`policy`: what an image that cannot be used does: `refuse` the data set, or `skip` the image with a warning.
    Shares are of a class's images; validation is cut out of train where the data set brings none. `concepts` replaces
    the data set's own concept bank."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    policy: Policy = "refuse"
    validation_share: float = Field(0.1, ge=0, lt=1)
    test_share: float = Field(0.2, ge=0, lt=1)
    seed: int = Field(0, ge=0, lt=2**31)
    concepts: Concepts | None = None
