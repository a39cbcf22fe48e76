"""The door through which lmms-eval asks: an OpenAI-compatible address on this machine that leads to one model.

lmms-eval writes a request that failed down as an answer, and goes on. So here is counted what was answered, and the
first failure is kept. A second address is for tasks that look for a judge: there is none, and that is a failure too.
"""

import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from services.generator.chat import Chat
from shared.errors import InvalidInput, SelfSynthError

_HOST = "127.0.0.1"
_BODY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Address:
    url: str
    judge_url: str
    key: str


class Door:
    """Open while it is entered. Every request is asked of `model`, with `seed` where it has none.

    `answered` counts good answers, `empty` those of them without text, and `tokens` what they cost: of the prompts, and
    generated. `tells_usage`: each told so.
    """

    def __init__(self, chat: Chat, model: str, seed: int) -> None:
        self._chat, self._model, self._seed = chat, model, seed
        self._key = f"key-{secrets.token_hex(16)}"
        self._failure: SelfSynthError | None = None
        self.answered = 0
        self.empty = 0
        self.tokens = (0, 0)
        self.tells_usage = True
        self._open = 0
        self._last = time.monotonic()
        app = web.Application(client_max_size=_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_route("*", f"/{self._key}{{path:.*}}", self._judge)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def address(self) -> Address:
        root = f"http://{_HOST}:{self._runner.addresses[0][1]}"
        return Address(f"{root}/v1", f"{root}/{self._key}", self._key)

    @property
    def quiet_s(self) -> float:
        """How long no request has been open."""
        return 0.0 if self._open else time.monotonic() - self._last

    def check(self) -> None:
        """Raises the first failure, if there was any."""
        if self._failure is not None:
            raise self._failure

    async def _complete(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self._key}":
            return _refusal(401, "this door is not for you")
        body = await request.json()
        self._open += 1
        asked = {"seed": self._seed, **body, "model": self._model}
        about = hashlib.sha256(json.dumps(body.get("messages")).encode()).hexdigest()
        try:
            answer = await self._chat.pass_on(asked, about)
        except SelfSynthError as error:
            return self._failed(error)
        finally:
            self._open -= 1
            self._last = time.monotonic()
        self._count(answer)
        return web.json_response(answer)

    async def _judge(self, request: web.Request) -> web.Response:
        return self._failed(
            InvalidInput(
                "a task of the benchmark asks a judge model, and there is none: answers would be scored by chance",
                remedy="Name tasks that are scored by rules: of several variants often the one called `static`.",
                code="benchmark_needs_judge",
            )
        )

    def _failed(self, error: SelfSynthError) -> web.Response:
        self._failure = self._failure or error
        return _refusal(400, error.message)

    def _count(self, answer: Any) -> None:
        self.answered += 1
        self.empty += not (answer["choices"][0]["message"]["content"] or "").strip()
        told = answer.get("usage") or {}
        prompt, generated = (int(told.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
        self.tells_usage &= prompt > 0
        self.tokens = (self.tokens[0] + prompt, self.tokens[1] + generated)


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=status)
