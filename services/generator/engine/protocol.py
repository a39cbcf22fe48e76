"""The OpenAI shapes that the engine speaks: chat completions in and out, models, errors. Knows no HTTP and no model."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.generator.engine.sampling import Drawn
from shared.errors import SelfSynthError

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


class ChatRequest(BaseModel):
    """Fields that are not listed are ignored."""

    model: str
    messages: list[Message] = Field(min_length=1)
    n: int = Field(1, ge=1)
    temperature: float = Field(1.0, ge=0, le=10, allow_inf_nan=False)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool = False
    top_logprobs: int = Field(0, ge=0, le=20)
    stop: str | list[str] | None = None
    stream: Literal[False] = False

    @property
    def limit(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or []


Decode = Callable[[Sequence[int]], str]


def completion(model: str, prompt_tokens: int, drawn: Sequence[Drawn], stops: Sequence[str], decode: Decode) -> Json:
    """The answer to a chat request, one choice a row."""
    cut = [_cut(row, stops, decode) for row in drawn]
    tokens = sum(len(row.tokens) for row, _ in cut)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [_choice(i, row, text, decode) for i, (row, text) in enumerate(cut)],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": prompt_tokens + tokens,
        },
    }


def models(base: str, adapters: Sequence[str], positions: int) -> Json:
    def entry(name: str) -> Json:
        parent = None if name == base else base
        return {"id": name, "object": "model", "owned_by": "selfsynth", "parent": parent, "max_model_len": positions}

    return {"object": "list", "data": [entry(name) for name in (base, *adapters)]}


def error_body(error: SelfSynthError) -> Json:
    kind = "invalid_request_error" if error.fault == "user" else "server_error"
    return {"error": {"message": f"{error.message}. {error.remedy}", "type": kind, "param": None, "code": error.code}}


def _cut(row: Drawn, stops: Sequence[str], decode: Decode) -> tuple[Drawn, str]:
    """The row up to the token that completes a stop text, and its text before that stop."""
    text = decode(row.tokens).strip()
    if not any(stop in text for stop in stops):
        return row, text
    for end in range(1, len(row.tokens) + 1):
        text = decode(row.tokens[:end]).lstrip()
        places = [text.index(stop) for stop in stops if stop in text]
        if places:
            return Drawn(row.tokens[:end], "stop", row.logprobs[:end]), text[: min(places)]
    return row, text


def _choice(index: int, row: Drawn, text: str, decode: Decode) -> Json:
    content = [
        {**_token(token, logprob, decode), "top_logprobs": [_token(t, p, decode) for t, p in best.items()]}
        for token, (logprob, best) in zip(row.tokens, row.logprobs, strict=False)
    ]
    return {
        "index": index,
        "message": {"role": "assistant", "content": text},
        "logprobs": {"content": content} if content else None,
        "finish_reason": row.finish_reason,
    }


def _token(token: int, logprob: float, decode: Decode) -> Json:
    text = decode([token])
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
