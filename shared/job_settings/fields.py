"""Bounds that several steps' settings share, and what all of these are. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(ge=0, le=5)]
TopP = Annotated[float, Field(gt=0, le=1)]
Tokens = Annotated[int, Field(ge=1, le=4096)]
Fallback = Literal["drop", "label_only"]
FallbackShare = Annotated[
    Share,
    Field(
        description="fallbacks above this share of all pairs are left out; below 1 they do not count for min_pair_share"
    ),
]
Weight = Annotated[float, Field(ge=-1000, le=1000)]


class StepSettings(BaseModel):
    # JSON, as the database keeps it, knows no infinity.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
