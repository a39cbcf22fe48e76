"""What a job may choose about the measuring of its explanations, beyond what costs nothing. Pure."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from shared.job_settings.fields import StepSettings

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class JudgeSettings(StepSettings):
    """An OpenAI-compatible endpoint that judges explanations. `secret` is the name of its key in the operator's
    settings, never the key; its address is known there too (docs/adr/0006)."""

    model: Name
    base_url: str | None = Field(None, max_length=2000)
    secret: Name | None = None
    examples: int = Field(50, ge=1, le=100_000, description="test images a round, each round the same")
    tries: int = Field(2, ge=1, le=10, description="answers asked for while none can be read")
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(400, ge=16, le=32_768)
    requests_per_minute: int = Field(60, ge=1, le=100_000)
    in_flight: int = Field(4, ge=1, le=64)
    request_s: float = Field(120, gt=0, le=3600)
    patience_s: float = Field(120, gt=0, le=86_400, description="seconds that a failing endpoint is asked again")

    @model_validator(mode="after")
    def _somewhere(self) -> "JudgeSettings":
        if self.base_url is None and self.secret is None:
            raise ValueError("name a base_url, or a secret of the operator's settings")
        return self


class FaithfulnessSettings(StepSettings):
    """`images` test images are covered cell by cell, `grid` cells a side: 4 + 2 * grid^2 requests an image."""

    images: int = Field(50, ge=1, le=100_000)
    grid: int = Field(4, ge=2, le=16)

    @property
    def requests(self) -> int:
        """Those of one image."""
        return 4 + 2 * self.grid**2
