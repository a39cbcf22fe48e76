"""The engine as the steps see it: OpenAI chat completions about one image, tried again while the engine is away.

Knows HTTP and its errors, nothing of examples, prompts or what an answer is for. Not a client package: how long an
absent engine is waited for is a matter of time here, not of a number of tries. And aiohttp, not httpx, which took
ten times the processor time a request with 64 in flight, from the cores that a small engine runs on.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, wait_exponential_jitter

from services.generator.admission import Admission, Proof
from services.generator.observed import Observed
from services.generator.patience import Answers, Full, Lost, Passing, Trial
from services.generator.replicas import Replica, Replicas, Resolve, resolved
from services.generator.wire import (
    Read,
    Reply,
    Sampling,
    Schema,
    body_of,
    failure_of,
    parsed,
    read_of,
    reading_of,
    refusal,
    replies_of,
    usage_of,
)
from services.generator.witness import COMPLETIONS, Witnesses
from shared.errors import EngineUnavailable, RequestsFailed, SelfSynthError
from shared.observing import tracing

__all__ = ["Chat", "Engine", "Reply", "Sampling"]


@dataclass(frozen=True)
class Engine:
    """Where an engine is and how to treat it. `url` is without `/v1`; shared.engine_addresses reads several from it.

    `in_flight` requests at most are open at once at each replica. A request is given `request_s` seconds; one that
    fails is tried again, at most `tries` times while others are answered. An engine that answers nobody is given up
    `patience_s` seconds after the first failure. No replica is asked before the `proof` of it returned; one that gave
    no answer is proven anew, since it may come back as another.
    """

    url: str
    key: str = ""
    in_flight: int = 64
    request_s: float = 300.0
    patience_s: float = 120.0
    tries: int = 5
    proof: Proof | None = None
    resolve: Resolve = resolved
    resolve_every_s: float = 5.0


T = TypeVar("T")


@dataclass
class _Request(Generic[T]):
    """`read` makes something of a good answer."""

    body: dict[str, Any]
    about: str
    read: Callable[[Any], T]
    avoid: Replica | None = None
    trial: Trial = field(kw_only=True)


class Chat:
    """An open connection to an engine, or to its replicas. Belongs to one event loop."""

    def __init__(self, engine: Engine, observed: Observed | None = None) -> None:
        self._engine = engine
        self._observed = observed or Observed()
        self._replicas = Replicas(engine.url, engine.in_flight, engine.resolve, engine.resolve_every_s)
        self._answers = Answers()
        self._http = aiohttp.ClientSession(
            headers=({"Authorization": f"Bearer {engine.key}"} if engine.key else {}) | tracing.headers(),
            timeout=aiohttp.ClientTimeout(total=engine.request_s),
            connector=aiohttp.TCPConnector(limit=0),
        )
        self._witnesses = Witnesses(self._http, self._answers)
        self._admission = Admission(engine.proof, self._http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def width(self) -> int:
        """How many requests all replicas together may be given at once."""
        return self._engine.in_flight * max(1, len(await self._replicas.current()))

    async def ask(
        self, model: str, image: str | None, text: str, sampling: Sampling, seed: int, *,
        about: str = "", schema: Schema | None = None,
    ) -> tuple[Reply, ...]:  # fmt: skip
        """`sampling.n` replies of `model` to `text` about `image` (a data URI; None: no image), in the engine's order.

        Requests `about` the same thing (an image's key) go to the same replica. With a JSON `schema` every reply is
        such JSON, if it is whole.
        Raises EngineUnavailable when no replica answers anybody for longer than the patience, RequestsFailed when this
        request goes on failing while others are answered, NotFound when the model is not served, NoStructure when the
        engine cannot keep to a schema, InvalidInput when it refuses the request, and what the engine's proof raises.
        """
        body = body_of(model, image, text, sampling, seed, schema)
        return await self._answer(body, about or image or "", lambda answer: replies_of(answer, sampling.n))

    async def read(self, model: str, image: str | None, text: str, said: str, *, about: str = "") -> Read:
        """The tokens of the whole prompt, were `said` the beginning of the answer, with their log-probabilities. Raises
        as `ask` does."""
        return await self._answer(reading_of(model, image, text, said), about or image or "", read_of)

    async def pass_on(self, body: dict[str, Any], about: str) -> dict[str, Any]:
        """The engine's whole answer, as JSON, to a request for one reply that another program wrote. Raises as `ask`
        does."""

        def whole(answer: Any) -> dict[str, Any]:
            replies_of(answer, 1)
            return dict(answer)

        return await self._answer(body, about, whole)

    async def _answer(self, body: dict[str, Any], about: str, read: Callable[[str], T]) -> T:
        trial = Trial(self._answers, self._engine.tries, self._engine.patience_s)
        request = _Request(body, about, read, trial=trial)
        try:
            return await self._once(request)
        except Passing:
            retrying = AsyncRetrying(
                retry=retry_if_exception_type(Passing),
                wait=wait_exponential_jitter(multiplier=0.1, max=5),
                stop=trial.is_over,
            )
        try:
            return await retrying(self._once, request)
        except RetryError as error:
            raise self._given_up(trial, error.last_attempt.exception()) from error

    def _given_up(self, trial: Trial, why: BaseException | None) -> SelfSynthError:
        if trial.is_own_fault:
            return RequestsFailed(
                f"a request to the engine at {self._engine.url} failed {self._engine.tries} times while others were "
                f"answered: {why}",
                remedy="The engine's log says more of it.",
            )
        return EngineUnavailable(
            f"the engine at {self._engine.url} failed for {self._engine.patience_s:.0f} s: {why}",
            remedy="Check that it runs and that SELFSYNTH_ENGINE_URL names it; its log says more.",
        )

    async def _once(self, request: _Request[T]) -> T:
        try:
            async with self._room(request) as replica:
                return await self._sent(request, replica)
        except Passing as failure:
            if request.trial.needs_witness(failure) and request.avoid:
                await self._witnesses.ask(request.avoid.url, request.body["model"])
            request.trial.failed(failure)
            raise

    @asynccontextmanager
    async def _room(self, request: _Request[Any]) -> AsyncIterator[Replica]:
        """A replica with room for the request. One that went down while the request waited is left again."""
        while True:
            replica = await self._choose(request)
            entered = await replica.window.enter()
            try:
                if not replica.is_down or (await self._choose(request)) is replica:
                    replica.tried()
                    yield replica
                    return
            except Full:
                replica.window.full(entered)
                raise
            finally:
                replica.window.leave()

    async def _choose(self, request: _Request[Any]) -> Replica:
        order = await self._replicas.order(request.about)
        if not order:
            raise Passing("its name does not resolve to any address")
        return next((each for each in order if each is not request.avoid and not each.is_down), order[0])

    async def _sent(self, request: _Request[T], replica: Replica) -> T:
        sent = time.monotonic()
        try:
            await self._admission.of(replica.url)
            answer = await self._posted(request, replica.url)
        except Full:
            replica.heard_of()
            raise
        except Passing as failure:
            is_lost = isinstance(failure, Lost)
            if is_lost:
                self._admission.forget(replica.url)
            replica.failed(lost=is_lost, sent=sent)
            request.avoid = replica
            raise
        replica.answered()
        self._answers.came()
        return answer

    async def _posted(self, request: _Request[T], url: str) -> T:
        sent = time.monotonic()
        with self._observed.request(url, request.body["model"]) as headers:
            answer = parsed(await self._text(request.body, url, headers))
            read = request.read(answer)
        self._observed.answered(time.monotonic() - sent, usage_of(answer))
        return read

    async def _text(self, body: dict[str, Any], url: str, headers: dict[str, str]) -> str:
        try:
            async with self._http.post(url + COMPLETIONS, json=body, headers=headers) as response:
                status, text = response.status, await response.text()
        except TimeoutError as error:
            raise Lost(f"no answer within {self._engine.request_s:.0f} s") from error
        except aiohttp.ClientError as error:
            raise Lost(f"{type(error).__name__}: {error}") from error
        if status == 200:
            return text
        raise failure_of(status, text) or refusal(status, text, body, url)
