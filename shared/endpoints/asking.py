"""Any OpenAI-compatible endpoint as the step sees it: a question in, an Answer out, whatever the endpoint does.

Keeps to a rate, tries again what may pass, and leaves out of a request what the endpoint says it does not know. Knows
not what is asked for. The key is in no message of its errors.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from aiolimiter import AsyncLimiter
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_exponential_jitter

from shared.concepts.wording import storable
from shared.endpoints.addresses import host_of, is_loopback
from shared.endpoints.wire import Answer, Passing, answer_of, cause_of, retry_after
from shared.errors import SelfSynthError, SystemFault, UserFault

_PASSING = (408, 409, 425, 429)
_MOST_BYTES = 1 << 20
_LONGEST_PAUSE_S = 120.0


class EndpointUnavailable(SystemFault):
    code = "endpoint_unavailable"


class EndpointRefuses(UserFault):
    code = "endpoint_refuses"


@dataclass(frozen=True)
class Endpoint:
    """`base_url` as OpenAI's clients take it, `/v1` included."""

    base_url: str
    model: str
    key: SecretStr = field(default=SecretStr(""))


class Manners(Protocol):
    """How an endpoint is asked. `request_s`: how long one answer may take; `patience_s`: how long it may fail."""

    @property
    def temperature(self) -> float: ...

    @property
    def max_tokens(self) -> int: ...

    @property
    def requests_per_minute(self) -> int: ...

    @property
    def in_flight(self) -> int: ...

    @property
    def request_s(self) -> float: ...

    @property
    def patience_s(self) -> float: ...


class _Unknown(Exception):
    """The endpoint does not take the request as it is."""

    def __init__(self, status: int, cause: str) -> None:
        super().__init__(f"HTTP {status}: {cause}")
        self.cause = cause


class Asker:
    """Belongs to one event loop. Use as an async context manager. `response_format`: as OpenAI takes it."""

    def __init__(self, endpoint: Endpoint, manners: Manners, response_format: dict[str, Any]) -> None:
        self._endpoint = endpoint
        self._manners = manners
        self._slots = asyncio.Semaphore(manners.in_flight)
        self._rate = AsyncLimiter(1, 60 / manners.requests_per_minute)
        self._options: dict[str, Any] = {
            "seed": 0,
            "temperature": manners.temperature,
            "max_tokens": manners.max_tokens,
            "response_format": response_format,
        }
        key = endpoint.key.get_secret_value()
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=manners.request_s,
            follow_redirects=False,
            trust_env=not is_loopback(endpoint.base_url),
        )

    async def __aenter__(self) -> "Asker":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, messages: list[dict[str, str]], seed: int) -> Answer:
        """Raises EndpointUnavailable when it fails for longer than the patience, EndpointRefuses when it never will."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Passing), wait=_pause, stop=stop_after_delay(self._manners.patience_s)
        )
        try:
            async with self._slots:
                return await retrying(self._as_it_takes_it, messages, seed)
        except RetryError as error:
            why = self._clean(str(error.last_attempt.exception()))
            raise EndpointUnavailable(
                f"{self._where} failed for {self._manners.patience_s:.0f} s: {why}",
                remedy="Ask again later: what was answered is not asked again within a job.",
            ) from None

    @property
    def _where(self) -> str:
        return f"the endpoint {host_of(self._endpoint.base_url)}"

    async def _as_it_takes_it(self, messages: list[dict[str, str]], seed: int) -> Answer:
        """Asks with ever fewer options, until the endpoint takes them; what it does not take, it is not sent again."""
        while True:
            options = dict(self._options)
            try:
                own = {"seed": seed} if "seed" in options else {}
                return await self._once({"model": self._endpoint.model, "messages": messages, **options, **own})
            except _Unknown as unknown:
                if options == self._options and not self._simplify(unknown.cause):
                    raise self._refusal(str(unknown)) from None

    def _simplify(self, cause: str) -> bool:
        """False when there is nothing left to leave out."""
        if "max_completion_tokens" in cause and "max_tokens" in self._options:
            self._options["max_completion_tokens"] = self._options.pop("max_tokens")
            return True
        named = [name for name in ("response_format", "temperature", "seed") if name in cause]
        less = next((name for name in (*named, "response_format") if name in self._options), None)
        if less is None:
            return False
        del self._options[less]
        return True

    async def _once(self, body: dict[str, Any]) -> Answer:
        async with self._rate:
            try:
                async with asyncio.timeout(self._manners.request_s):
                    status, headers, text = await self._post(body)
            except (TimeoutError, httpx.TimeoutException):
                raise Passing(f"no answer within {self._manners.request_s:.0f} s") from None
            except httpx.HTTPError as error:
                raise Passing(f"{type(error).__name__}: {error}") from None
        if status == 200:
            return answer_of(text)
        cause = self._clean(cause_of(text))
        if status >= 500 or (status in _PASSING and "insufficient_quota" not in text):
            raise Passing(f"HTTP {status}: {cause}", retry_after(headers))
        if status in (400, 415, 422):
            raise _Unknown(status, cause)
        raise self._refusal(f"HTTP {status}: {cause}")

    async def _post(self, body: dict[str, Any]) -> tuple[int, httpx.Headers, str]:
        """At most 1 MiB of the answer is read."""
        url = f"{self._endpoint.base_url}/chat/completions"
        async with self._http.stream("POST", url, json=body) as response:
            found = bytearray()
            async for chunk in response.aiter_bytes():
                found += chunk
                if len(found) > _MOST_BYTES:
                    raise Passing("an answer of more than 1 MiB")
            return response.status_code, response.headers, found.decode(errors="replace")

    def _refusal(self, why: str) -> SelfSynthError:
        return EndpointRefuses(
            f"{self._where} refuses the question to {self._endpoint.model!r}: {self._clean(why)}",
            remedy="Check the model's name and the secret's key, then ask again.",
        )

    def _clean(self, text: str) -> str:
        """Endpoints repeat keys in their errors, and say what no database stores."""
        key = self._endpoint.key.get_secret_value()
        return storable(text.replace(key, "***") if key else text)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    wanted = error.after_s if isinstance(error, Passing) else None
    grown: float = wait_exponential_jitter(multiplier=0.5, max=30, jitter=0.5)(state)
    return min(max(wanted, 0.0), _LONGEST_PAUSE_S) if wanted is not None else grown
