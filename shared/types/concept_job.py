"""What a job that builds a concept bank was asked to do: the parameters of its steps. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.concepts.labels import ConceptClass
from shared.types.domain import Domain

Share = Annotated[float, Field(ge=0, le=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AskSettings(_Settings):
    """How an endpoint is asked: one question a class."""

    concepts: int = Field(12, ge=1, le=100, description="concepts asked for, a class")
    temperature: float = Field(0.7, ge=0, le=2)
    max_tokens: int = Field(800, ge=16, le=32_768)
    tries: int = Field(3, ge=1, le=10, description="answers asked for while none can be used, a class")
    requests_per_minute: int = Field(60, ge=1, le=100_000)
    in_flight: int = Field(4, ge=1, le=64)
    request_s: float = Field(120, gt=0, le=3600, description="seconds that one answer may take")
    patience_s: float = Field(300, gt=0, le=86_400, description="seconds that a failing endpoint is asked again")


class ViewSettings(_Settings):
    """How the job's own model looks at train images of each class."""

    images: int = Field(4, ge=1, le=100, description="train images a class")
    samples: int = Field(2, ge=1, le=16, description="answers an image")
    temperature: float = Field(0.7, ge=0, le=5)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int = Field(256, ge=1, le=4096)
    tell_label: bool = Field(True, description="tell the model which class the image shows")
    structured: bool = Field(
        False, description="have the answer be a JSON list, where the engine can keep to it (vLLM); else it is prose"
    )
    failed_share: Share = Field(0.02, description="share of the requests that may fail for good")
    images_per_part: int = Field(8, ge=1, le=1000)


class CleanSettings(_Settings):
    """What is taken out of the answers. Cosines and margins are those of the selector's encoder."""

    near_duplicate: float = Field(0.92, ge=0, le=1.01, description="cosine from which two concepts of a class are one")
    visual_margin: float = Field(
        -0.02, ge=-2, le=2, description="a concept nearer to unseen facts than to looks by more than this is taken out"
    )
    judge_visual: bool = True
    most_words: int = Field(14, ge=1, le=100)
    least_images: int = Field(1, ge=1, description="images in which the own model must have seen a concept")
    at_least: int = Field(3, ge=1, description="a class with fewer concepts is reported")
    at_most: int = Field(30, ge=1, description="concepts kept, a class; the first ones")


class ConceptJob(_Settings):
    """`source` is who names the concepts: an `endpoint`, the `own` model, or the `newest` bank (which is only cleaned).

    `secret` is the name of an endpoint's key, never the key. `labels` are the classes asked about, None: all; the other
    classes keep the concepts that they have.
    """

    source: Literal["endpoint", "own", "newest"]
    model: str = ""
    base_url: str | None = None
    secret: str | None = None
    labels: tuple[str, ...] | None = None
    domain: Domain = Domain()
    ask: AskSettings = AskSettings()
    view: ViewSettings = ViewSettings()
    clean: CleanSettings = CleanSettings()


class ConceptClasses(_Settings):
    """The classes of the data set, and which of them are asked about."""

    classes: tuple[ConceptClass, ...]
    asked: tuple[str, ...]

    @property
    def to_ask(self) -> tuple[ConceptClass, ...]:
        asked = set(self.asked)
        return tuple(each for each in self.classes if each.label in asked)
