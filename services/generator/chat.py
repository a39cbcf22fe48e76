"""The engine as the steps see it: OpenAI chat completions about one image, tried again while the engine is away.

Knows HTTP and its errors, nothing of examples, prompts or what an answer is for. Not a client package: how long an
absent engine is waited for is a matter of time here, not of a number of tries. And aiohttp, not httpx, which took
ten times the processor time a request with 64 in flight, from the cores that a small engine runs on.
"""

import asyncio
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from shared.errors import EngineUnavailable, InvalidInput, NotFound, SelfSynthError
from shared.types.records import FinishReason

_PASSING_STATUS = (408, 429)


@dataclass(frozen=True)
class Engine:
    """Where an engine is and how to treat it. `url` is without `/v1`.

    `in_flight` requests at most are open at once. A request is given `request_s` seconds; one that fails is tried
    again until `patience_s` seconds have passed since its first failure.
    """

    url: str
    key: str = ""
    in_flight: int = 64
    request_s: float = 300.0
    patience_s: float = 120.0


@dataclass(frozen=True)
class Sampling:
    n: int
    temperature: float
    top_p: float
    max_tokens: int


@dataclass(frozen=True)
class Reply:
    text: str
    finish_reason: FinishReason


class _Passing(Exception):
    """A failure that may pass when the engine is asked again."""


class Chat:
    """An open connection to an engine. Belongs to one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._slots = asyncio.Semaphore(engine.in_flight)
        self._url = f"{engine.url.rstrip('/')}/v1/chat/completions"
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {engine.key}"} if engine.key else {},
            timeout=aiohttp.ClientTimeout(total=engine.request_s),
            connector=aiohttp.TCPConnector(limit=engine.in_flight),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def ask(self, model: str, image: str, text: str, sampling: Sampling, seed: int) -> tuple[Reply, ...]:
        """`sampling.n` replies of `model` to `text` about `image` (a data URI), in the engine's order.

        Raises EngineUnavailable when the engine fails for longer than its patience, NotFound when it does not serve the
        model, InvalidInput when it refuses the request.
        """
        body = _body(model, image, text, sampling, seed)
        async with self._slots:
            return await self._patiently(body, model)

    async def _patiently(self, body: dict[str, Any], model: str) -> tuple[Reply, ...]:
        try:
            return await self._once(body, model)
        except _Passing:
            retrying = AsyncRetrying(
                retry=retry_if_exception_type(_Passing),
                wait=wait_exponential_jitter(multiplier=0.1, max=5),
                stop=stop_after_delay(self._engine.patience_s),
            )
        try:
            return await retrying(self._once, body, model)
        except RetryError as error:
            why = error.last_attempt.exception()
            raise EngineUnavailable(
                f"the engine at {self._engine.url} failed for {self._engine.patience_s:.0f} s: {why}",
                remedy="Check that it runs and that SELFSYNTH_ENGINE_URL names it; its log says more.",
            ) from why

    async def _once(self, body: dict[str, Any], model: str) -> tuple[Reply, ...]:
        try:
            async with self._http.post(self._url, json=body) as response:
                status, text = response.status, await response.text()
        except TimeoutError as error:
            raise _Passing(f"no answer within {self._engine.request_s:.0f} s") from error
        except aiohttp.ClientError as error:
            raise _Passing(f"{type(error).__name__}: {error}") from error
        if status == 200:
            return _replies(text, body["n"])
        if status >= 500 or status in _PASSING_STATUS:
            raise _Passing(f"HTTP {status}: {_cause(text)}")
        raise _refusal(status, _cause(text), model, self._engine.url)


def _body(model: str, image: str, text: str, sampling: Sampling, seed: int) -> dict[str, Any]:
    content = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": text}]
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "n": sampling.n,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": seed,
    }


def _replies(text: str, n: int) -> tuple[Reply, ...]:
    """An answer that is not whole (an engine being shut down says `abort`) counts as a failure that may pass."""
    try:
        choices = sorted(json.loads(text)["choices"], key=lambda choice: int(choice["index"]))
        replies = tuple(_reply(choice) for choice in choices)
    except (ValueError, KeyError, TypeError) as error:
        raise _Passing(f"an answer that is no chat completion: {text[:200]}") from error
    if len(replies) != n:
        raise _Passing(f"{len(replies)} choices where {n} were asked for")
    return replies


def _reply(choice: dict[str, Any]) -> Reply:
    finish_reason = choice["finish_reason"]
    if finish_reason not in ("stop", "length"):
        raise _Passing(f"an answer that ended for the reason {finish_reason!r}")
    return Reply(text=(choice["message"]["content"] or "").strip(), finish_reason=finish_reason)


def _refusal(status: int, cause: str, model: str, url: str) -> SelfSynthError:
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
    return InvalidInput(
        f"the engine at {url} refuses a request to {model!r} with HTTP {status}: {cause}",
        remedy="Change the setting that the cause names (max_tokens and samples of the step, often).",
    )


def _cause(text: str) -> str:
    """The message of an OpenAI error body, else the start of the text."""
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
