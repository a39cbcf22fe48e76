"""What a user asks for when registering a data set. Pure."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.api.datasets.validation.judge import Policy
from shared.types.domain import AsksFor, Domain

Concept = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Concepts = dict[str, list[Concept]]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Source(BaseModel):
    """Where the images are: a path that the coordinator's machine can read, a prefix (or one archive) in its object
    store, or, set by an upload, an archive's key there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = None
    prefix: str | None = None
    upload: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.path, self.prefix, self.upload)) != 1:
            raise ValueError("give a path or a prefix, and only one of them")
        return self


class IngestRequest(BaseModel):
    """`kind`: labelled images, or general instruction data (see `instructions`), to which classes, shares and what
    images show do not apply. `layout` names a reader, None: found out; `options` are that reader's own. `policy`: what
    an image that cannot be used does: `refuse` the data set, or `skip` the image with a warning. Shares are of a
    class's images; validation is cut out of train where the data set brings none. `concepts` replaces the data set's
    own concept bank, `noun` and `asks_for` what its reader says that the images show."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    kind: Literal["images", "instructions"] = "images"
    layout: Text | None = None
    options: dict[Text, Text] = {}
    policy: Policy = "refuse"
    validation_share: float = Field(0.1, ge=0, lt=1)
    test_share: float = Field(0.2, ge=0, lt=1)
    seed: int = Field(0, ge=0, lt=2**31)
    concepts: Concepts | None = None
    noun: Text | None = None
    asks_for: AsksFor | None = None

    def domain(self, read: Domain) -> Domain:
        """The reader's domain, with what the request says instead laid over it."""
        domain = read.renamed(self.noun) if self.noun else read
        return domain.model_copy(update={"asks_for": self.asks_for}) if self.asks_for else domain
