"""What a user may ask of a tuned model, and what comes back. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_MOST_TURNS = 31


class Turn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: str = Field(min_length=1, max_length=8000)


class ChatRequest(BaseModel):
    """`image` is a data URI in base64; it goes with the first message. `messages` are by user and assistant in turn,
    the last by the user. `round`: 0 for the base model, None for the best on the validation split, or the last."""

    model_config = ConfigDict(extra="forbid")

    image: str = Field(min_length=1)
    messages: Annotated[list[Turn], Field(min_length=1, max_length=_MOST_TURNS)]
    round: int | None = Field(None, ge=0, le=1000, strict=True)
    max_tokens: int = Field(256, ge=1, le=4096, strict=True)
    temperature: float = Field(0.0, ge=0, le=5, allow_inf_nan=False)
    seed: int = Field(0, ge=0, lt=2**31, strict=True)

    @model_validator(mode="after")
    def _in_turn(self) -> "ChatRequest":
        wanted = ["user" if k % 2 == 0 else "assistant" for k in range(len(self.messages))]
        if len(self.messages) % 2 == 0 or [turn.role for turn in self.messages] != wanted:
            raise ValueError("messages must be by user and assistant in turn, the first and the last by the user")
        return self


class ChatAnswer(BaseModel):
    """`model` is the name under which it is served; `finish_reason` is `length` for an answer that was cut off."""

    model: str
    round: int
    answer: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
