"""The HTTP face: chat completions, models, health, metrics. Reads requests and hands their rows to the batcher."""

import asyncio
import copy
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.generator.adapters import AdapterFiles
from services.generator.engine import protocol
from services.generator.engine.batching import Ask, Batcher, Overloaded
from services.generator.engine.metrics import Metrics
from services.generator.engine.model import Row, VisionLanguageModel
from services.generator.engine.prompt import Prompt, PromptReader
from services.generator.engine.sampling import Drawn, Sampling
from services.generator.engine.settings import EngineSettings
from services.generator.engine.sleeping import Asleep, CannotSleep, Sleeper, add_routes
from shared.errors import InvalidInput, NotFound, SelfSynthError, UserFault, report_of


class Unauthorised(UserFault):
    code = "invalid_api_key"


_CLIENT_LEFT = 499  # for the metrics; nobody is there to read it
_STATUS: dict[type[SelfSynthError], int] = {
    Unauthorised: 401,
    CannotSleep: 501,
    NotFound: 404,
    UserFault: 400,
    Overloaded: 503,
    Asleep: 503,
}


class Engine:
    """What a request needs, put together in wiring.py."""

    def __init__(
        self, settings: EngineSettings, model: VisionLanguageModel, processor: Any, files: AdapterFiles
    ) -> None:
        self.settings, self.model, self.files = settings, model, files
        # Two, since fast tokenizers serve one thread at a time: the reading one, and the one that looks for stops.
        self._decode = partial(_decode, processor.tokenizer)
        self._decode_early = partial(_decode, copy.deepcopy(processor.tokenizer))
        self._reader = PromptReader(processor, settings.engine_max_pixels)
        self._reading = ThreadPoolExecutor(1, "reading")
        self.batcher = Batcher(
            self._run, settings.engine_max_rows, settings.engine_max_queued, settings.engine_window_s
        )
        self.sleeper = Sleeper(model)
        self.metrics = Metrics(self.batcher.__len__, lambda: self.sleeper.is_asleep)
        files.on_fetch = lambda is_here: self.metrics.adapters.labels("hit" if is_here else "miss").inc()

    async def complete(self, request: protocol.ChatRequest) -> protocol.Json:
        """Raises NotFound, InvalidInput, Overloaded or Asleep. When cancelled, its rows leave queue or batch."""
        self.sleeper.require_awake()
        name = request.model
        if name == self.settings.engine_name:
            return await self._complete(request, None, None)
        with self.files.hold(name):
            return await self._complete(request, name, await asyncio.to_thread(self.files.fetch, name))

    async def _complete(self, request: protocol.ChatRequest, adapter: str | None, folder: Path | None) -> protocol.Json:
        in_reader = asyncio.get_running_loop().run_in_executor
        messages = [message.model_dump() for message in request.messages]
        how = {"generation_prompt": request.add_generation_prompt, "continues": request.continue_final_message}
        prompt = await in_reader(self._reading, partial(self._reader.read, messages, **how))
        answer: Future[list[Drawn]] = Future()

        def is_over(tokens: Sequence[int]) -> bool:
            return answer.cancelled() or (bool(request.stop) and self._says_stop(request, tokens))

        ask = Ask(adapter, folder, self._rows(request, prompt, is_over), answer)
        drawn = await asyncio.wrap_future(self.batcher.submit(ask))
        self.metrics.prompt_tokens.inc(len(prompt.ids))
        return await in_reader(self._reading, protocol.completion, request, len(prompt.ids), drawn, self._decode)

    def _says_stop(self, request: protocol.ChatRequest, tokens: Sequence[int]) -> bool:
        text = self._decode_early(tokens)
        return len(request.cut(text)) < len(text)

    def _rows(
        self, request: protocol.ChatRequest, prompt: Prompt, is_over: Callable[[Sequence[int]], bool]
    ) -> list[Row]:
        room, limit = self.model.positions - len(prompt.ids), self.settings.engine_max_rows
        max_tokens = request.limit or room
        if not 1 <= max_tokens <= room:
            raise InvalidInput(
                f"the prompt has {len(prompt.ids)} tokens and max_tokens is {max_tokens}; "
                f"together at most {self.model.positions} are possible",
                remedy="Shorten the prompt or lower max_tokens.",
            )
        if request.n > limit:
            raise InvalidInput(f"n is {request.n}, at most {limit} is possible", remedy="Split the request.")
        seed = secrets.randbits(63) if request.seed is None else request.seed
        how = (max_tokens, request.temperature, request.top_p, request.likeliest, is_over)
        tells_prompt = request.prompt_logprobs is not None
        return [Row(prompt, Sampling(seed, i, *how), tells_prompt) for i in range(request.n)]

    def _run(self, adapter: str | None, folder: Path | None, rows: Sequence[Row]) -> list[Drawn]:
        self.metrics.batch_rows.observe(len(rows))
        with self.sleeper.awake():
            drawn = self._drawn(adapter, folder, rows)
        self.metrics.tokens.inc(sum(len(row.tokens) for row in drawn))
        return drawn

    def _drawn(self, adapter: str | None, folder: Path | None, rows: Sequence[Row]) -> list[Drawn]:
        read = [row.prompt for row in rows if row.tells_prompt]
        by_reading = iter(self.model.read(adapter, folder, read))
        spoken = [row for row in rows if not row.tells_prompt]
        by_speaking = iter(
            self.model.generate(adapter, folder, spoken, self.metrics.forward_passes.inc) if spoken else ()
        )
        return [next(by_reading if row.tells_prompt else by_speaking) for row in rows]


def _decode(tokenizer: Any, tokens: Sequence[int]) -> str:
    return str(tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def create_app(engine: Engine) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine.batcher.thread.start()
        yield
        await asyncio.to_thread(engine.batcher.close)
        engine.files.close()

    app = FastAPI(title="selfsynth engine", lifespan=lifespan)
    key, count = engine.settings.engine_key, engine.metrics.requests.labels

    async def authorised(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if key and not hmac.compare_digest(given.encode(), f"Bearer {key.get_secret_value()}".encode()):
            raise Unauthorised("the bearer key is missing or wrong", remedy="Send the engine's key.")

    @app.exception_handler(SelfSynthError)
    @app.exception_handler(RequestValidationError)
    @app.exception_handler(Exception)
    async def answer_error(_: Request, error: Exception) -> JSONResponse:
        status, body = refusal(error)
        count(str(status)).inc()
        return JSONResponse(body, status)

    @app.post("/v1/chat/completions", dependencies=[Depends(authorised)])
    async def chat(request: protocol.ChatRequest, http: Request) -> Response:
        answer = await _while_there(engine, request, http)
        count(str(answer.status_code)).inc()
        return answer

    @app.get("/v1/models", dependencies=[Depends(authorised)])
    async def models() -> protocol.Json:
        return protocol.models(engine.settings.engine_name, engine.model.adapters.names, engine.model.positions)

    add_routes(app, engine.sleeper, authorised)

    @app.get("/health")
    async def health() -> Response:
        return Response(status_code=200 if engine.batcher.thread.is_alive() else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(engine.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return app


async def _while_there(engine: Engine, request: protocol.ChatRequest, http: Request) -> Response:
    """The answer, or none when the client leaves first: its rows then leave the batch."""
    answering = asyncio.create_task(engine.complete(request))
    leaving = asyncio.create_task(_leaving(http))
    try:
        with engine.metrics.open.track_inprogress():
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        return JSONResponse(answering.result()) if answering.done() else Response(status_code=_CLIENT_LEFT)
    finally:
        answering.cancel()
        leaving.cancel()


async def _leaving(http: Request) -> None:
    """Return when the client closes its connection."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


def refusal(error: Exception) -> tuple[int, protocol.Json]:
    """HTTP status and OpenAI-shaped body of any error."""
    if isinstance(error, RequestValidationError):
        faults = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
        error = InvalidInput(faults, remedy="Correct the named fields.")
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    return status, protocol.error_body(report_of(error))
