"""The OpenAI shapes that the engine speaks: chat completions in and out, models, errors. Knows no HTTP and no model."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from services.generator.engine.sampling import Drawn
from shared.errors import ErrorReport

Json = dict[str, Any]


class Url(BaseModel):
    url: str


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    type: Literal["image_url"]
    image_url: Url


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str | list[Annotated[TextPart | ImagePart, Field(discriminator="type")]]


Text = Annotated[str, Field(min_length=1)]


class ChatRequest(BaseModel):
    """Fields that are not listed are ignored; what is listed as False only is refused, not ignored."""

    model: str
    messages: list[Message] = Field(min_length=1)
    n: int = Field(1, ge=1)
    temperature: float = Field(1.0, ge=0, le=10, allow_inf_nan=False)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool = False
    top_logprobs: int | None = Field(None, ge=0, le=20)
    return_tokens_as_token_ids: bool = False
    add_generation_prompt: bool = True
    continue_final_message: bool = False
    prompt_logprobs: Literal[0] | None = None
    stop: Text | list[Text] | None = None
    stream: Literal[False] = False
    response_format: dict[str, Any] | None = None

    @field_validator("response_format")
    @classmethod
    def _is_text(cls, wanted: Json | None) -> Json | None:
        if wanted and wanted.get("type") != "text":
            raise ValueError("this engine cannot keep to a format; serve the model with vLLM, or leave it out")
        return wanted

    @model_validator(mode="after")
    def _can_be_told(self) -> "ChatRequest":
        if self.continue_final_message and self.add_generation_prompt:
            raise ValueError("continue_final_message goes with add_generation_prompt: false")
        if self.prompt_logprobs is not None and (self.limit, self.n, self.temperature, self.likeliest) != (
            1,
            1,
            0,
            None,
        ):
            raise ValueError("prompt_logprobs goes with max_tokens 1, n 1, temperature 0 and no logprobs")
        return self

    @property
    def limit(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def likeliest(self) -> int | None:
        """How many of the likeliest tokens' log-probabilities are wanted beside the drawn one's; None: none at all."""
        return self.top_logprobs or 0 if self.logprobs or self.top_logprobs else None

    def cut(self, text: str) -> str:
        """The text before the first of the stop strings."""
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return min((text.partition(stop)[0] for stop in stops), key=len, default=text)


Decode = Callable[[Sequence[int]], str]


def completion(request: ChatRequest, prompt_tokens: int, drawn: Sequence[Drawn], decode: Decode) -> Json:
    """The answer to a chat request, one choice a row."""
    tokens = sum(len(row.tokens) for row in drawn)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [_choice(i, row, request, decode) for i, row in enumerate(drawn)],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": prompt_tokens + tokens,
        },
        **({} if request.prompt_logprobs is None else {"prompt_logprobs": _of_prompt(drawn[0], decode)}),
    }


def models(base: str, adapters: Sequence[str], positions: int) -> Json:
    def entry(name: str) -> Json:
        parent = None if name == base else base
        return {"id": name, "object": "model", "owned_by": "selfsynth", "parent": parent, "max_model_len": positions}

    return {"object": "list", "data": [entry(name) for name in (base, *adapters)]}


def error_body(error: ErrorReport) -> Json:
    kind = "invalid_request_error" if error.fault == "user" else "server_error"
    return {"error": {"message": f"{error.message}. {error.remedy}", "type": kind, "param": None, "code": error.code}}


def _choice(index: int, row: Drawn, request: ChatRequest, decode: Decode) -> Json:
    def name(token: int) -> str:
        return f"token_id:{token}" if request.return_tokens_as_token_ids else decode([token])

    said = [[_token(name(token), logprob) for token, logprob in place] for place in row.logprobs]
    content = [{**own, "top_logprobs": likeliest} for own, *likeliest in said]
    return {
        "index": index,
        "message": {"role": "assistant", "content": request.cut(decode(row.tokens)).strip()},
        "logprobs": {"content": content} if content else None,
        "finish_reason": row.finish_reason,
    }


def _of_prompt(row: Drawn, decode: Decode) -> list[dict[str, Json] | None]:
    """As vLLM tells them: of each token under its id, none of the first."""
    told = ({str(token): {"logprob": value, "decoded_token": decode([token])}} for token, value in row.prompt_logprobs)
    return [None, *told]


def _token(text: str, logprob: float) -> Json:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
