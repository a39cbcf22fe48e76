"""What a user asks for when a concept bank is to be made. Pure shapes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.concepts.drafts import Bank, Label, Plain
from shared.types.concept_job import AskSettings, CleanSettings, ViewSettings

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Plain]


class _Building(BaseModel):
    """`labels`: the classes to ask about; None: all. The others keep the concepts that they have."""

    model_config = ConfigDict(extra="forbid")

    labels: list[Label] | None = Field(None, min_length=1)
    seed: int = Field(0, ge=0, lt=2**31)
    clean: CleanSettings = CleanSettings()


class FromEndpoint(_Building):
    """`secret` is the name of a key of the coordinator's settings; its address is known there too."""

    source: Literal["endpoint"]
    model: Name
    base_url: str | None = Field(None, max_length=2000)
    secret: Name | None = None
    ask: AskSettings = AskSettings()


class FromOwnModel(_Building):
    source: Literal["own"]
    model: Name
    view: ViewSettings = ViewSettings()


class FromNewest(_Building):
    """The newest bank, cleaned with the selector's encoder."""

    source: Literal["newest"]


class FromBank(BaseModel):
    """A whole bank, `{label: [concept]}` or in the reference's form. `clean`: take out what the rules speak against."""

    model_config = ConfigDict(extra="forbid")

    source: Literal["bank"]
    concepts: Bank
    clean: bool = True
    name: Annotated[str, Plain] = Field("", max_length=200, description="where it came from, a file's name for example")


Building = FromEndpoint | FromOwnModel | FromNewest
BankRequest = Annotated[FromEndpoint | FromOwnModel | FromNewest | FromBank, Field(discriminator="source")]
