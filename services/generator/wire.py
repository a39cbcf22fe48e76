"""OpenAI chat completions as JSON: the request with one image or none, its replies, its refusal. Pure."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.generator.patience import Full, Passing
from shared.errors import EngineUnavailable, InvalidInput, NotFound, SelfSynthError, UserFault
from shared.types.records import FinishReason

_OF_STRUCTURE = ("response_format", "schema", "structured", "grammar", "guided")
Schema = Mapping[str, Any]
Read = tuple[tuple[int, float], ...]


class NoStructure(UserFault):
    """The engine cannot keep to a JSON schema."""

    code = "structure_not_supported"


@dataclass(frozen=True)
class Sampling:
    n: int
    temperature: float
    top_p: float
    max_tokens: int


@dataclass(frozen=True)
class Reply:
    """`failure` says why there is no text, where the request failed for good."""

    text: str
    finish_reason: FinishReason
    failure: str = ""


@dataclass(frozen=True)
class Usage:
    """What an answer cost, as the engine counted it."""

    prompt_tokens: int
    completion_tokens: int


def data_uri(name: str, image: bytes) -> str:
    """An image file as it is; the `name` ends in its kind. Encode once: the same text serves every request."""
    kind = name.rpartition(".")[2].lower()
    return f"data:image/{'jpeg' if kind == 'jpg' else kind};base64,{base64.b64encode(image).decode()}"


def body_of(
    model: str, image: str | None, text: str, sampling: Sampling, seed: int, schema: Schema | None = None
) -> dict[str, Any]:
    shown = [{"type": "image_url", "image_url": {"url": image}}] if image else []
    content = [*shown, {"type": "text", "text": text}]
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "n": sampling.n,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": seed,
    }
    if schema is not None:
        wanted = {"name": "answer", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return body


def reading_of(model: str, image: str | None, text: str, said: str) -> dict[str, Any]:
    """Asks how likely the model finds it that it had begun its answer with `said`. One token is drawn, since none
    cannot be asked for."""
    body = body_of(model, image, text, Sampling(n=1, temperature=0.0, top_p=1.0, max_tokens=1), seed=0)
    body["messages"].append({"role": "assistant", "content": said})
    return {**body, "add_generation_prompt": False, "continue_final_message": True, "prompt_logprobs": 0}


def parsed(text: str) -> Any:
    """A good answer's JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise Passing(f"an answer that is no chat completion: {text[:200]}") from error


def usage_of(answer: Any) -> Usage:
    """None counted where the engine does not tell."""
    told = (answer.get("usage") or {}) if isinstance(answer, dict) else {}
    return Usage(int(told.get("prompt_tokens") or 0), int(told.get("completion_tokens") or 0))


def read_of(answer: Any) -> Read:
    """Each token of the prompt but the first, with its log-probability in nats."""
    try:
        return tuple(_read_token(place) for place in answer["prompt_logprobs"][1:])
    except (ValueError, KeyError, TypeError) as error:
        raise Passing(f"an answer without the prompt's log-probabilities: {str(answer)[:200]}") from error


def _read_token(place: dict[str, Any]) -> tuple[int, float]:
    [(token, told)] = place.items()
    return int(token), float(told["logprob"])


def replies_of(answer: Any, n: int) -> tuple[Reply, ...]:
    """An answer that is not whole (an engine being shut down says `abort`) counts as a failure that may pass."""
    try:
        choices = sorted(answer["choices"], key=lambda choice: int(choice["index"]))
        replies = tuple(_reply(choice) for choice in choices)
    except (ValueError, KeyError, TypeError) as error:
        raise Passing(f"an answer that is no chat completion: {str(answer)[:200]}") from error
    if len(replies) != n:
        raise Passing(f"{len(replies)} choices where {n} were asked for")
    return replies


def _reply(choice: dict[str, Any]) -> Reply:
    finish_reason = choice["finish_reason"]
    if finish_reason not in ("stop", "length"):
        raise Passing(f"an answer that ended for the reason {finish_reason!r}")
    return Reply(text=(choice["message"]["content"] or "").strip(), finish_reason=finish_reason)


def failure_of(status: int, text: str) -> Passing | None:
    """None for an answer that must not be waited for to change: a good one, or a refusal."""
    if status in (429, 503):
        return Full(f"HTTP {status}: {cause_of(text)}")
    if status >= 500 or status == 408:
        return Passing(f"HTTP {status}: {cause_of(text)}")
    return None


def refusal(status: int, text: str, body: Mapping[str, Any], url: str) -> SelfSynthError:
    """The error for a request that must not be sent again as it is."""
    model, cause = body["model"], cause_of(text)
    if status in (401, 403):
        return EngineUnavailable(
            f"the engine at {url} refuses the key: {cause}", remedy="Give SELFSYNTH_ENGINE_KEY as the engine has it."
        )
    if status == 404:
        return NotFound(
            f"the engine at {url} does not serve {model!r}: {cause}",
            remedy="GET /v1/models lists what it serves; an engine serves one base model and that model's adapters.",
            code="model_not_served",
        )
    if "response_format" in body and any(word in cause.lower() for word in _OF_STRUCTURE):
        return NoStructure(
            f"the engine at {url} cannot keep to a JSON schema: {cause}",
            remedy="Serve the model with vLLM, or ask without a schema.",
        )
    return InvalidInput(
        f"the engine at {url} refuses a request to {model!r} with HTTP {status}: {cause}",
        remedy="Change the setting that the cause names (max_tokens and samples of the step, often).",
    )


def cause_of(text: str) -> str:
    """The message of an OpenAI error body, else the start of the text."""
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
