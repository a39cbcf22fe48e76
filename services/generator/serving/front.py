"""What every HTTP request passes before vLLM sees it.

Few paths are open, all with the key: vLLM itself guards `/v1/*` only, and lets adapters be loaded by path. And a
request's adapter is held while it is answered, so that its files stay.
"""

import hmac
from functools import partial
from typing import Any

import msgspec
from prometheus_client import Gauge
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from vllm import envs
from vllm.lora.resolver import LoRAResolverRegistry

from services.generator.serving.resolver import NAME, StoreResolver

_FREE = {"/health", "/metrics"}
_SLEEP = {"/sleep", "/wake_up", "/is_sleeping"}
_OPEN = {"/v1/chat/completions", "/v1/models", "/version", *_SLEEP}
_CANNOT_SLEEP = "this engine was not started to sleep: SELFSYNTH_ENGINE_SLEEP=true, on a GPU"
# vLLM's own figures are its engine's: one that hangs does not tell of a request that it never took.
_OPEN_REQUESTS = Gauge("selfsynth_engine_open_requests", "Requests that have no answer yet")


class Front:
    """ASGI middleware; vLLM makes it from its import path, hence no settings of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        resolver: Any = LoRAResolverRegistry.get_resolver(NAME)
        assert isinstance(resolver, StoreResolver)
        self._served = resolver.served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http" or scope["path"] not in _FREE | _OPEN:
            await _refusal(404, f"there is nothing at {scope['path']}")(scope, receive, send)
        elif scope["path"] not in _FREE and not _has_key(scope):
            await _refusal(401, "the bearer key is missing or wrong")(scope, receive, send)
        elif scope["path"] in _SLEEP and not self._served.sleeps:
            # vLLM would answer 404, and on a CPU say that it sleeps though nothing is given free.
            await _refusal(501, _CANNOT_SLEEP)(scope, receive, send)
        elif scope["path"] != "/v1/chat/completions":
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._served.files.on_drop = partial(_forget, scope["app"].state.openai_serving_models)
        body = await _body(receive)
        if body is None:
            return
        try:
            # Only the keys are read here; images and texts stay the bytes that they are.
            fields: Any = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            model = str(msgspec.json.decode(fields["model"]))
            body = msgspec.json.encode({**self._served.request_defaults, **fields})
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
            model = ""  # vLLM says what is wrong with it
        with self._served.files.hold(model), _OPEN_REQUESTS.track_inprogress():
            await self._app(scope, _replay(body, receive), send)


def _forget(models: Any, name: str) -> None:
    """So that vLLM asks for the adapter again. In a copy: another thread may be listing what there is."""
    known = dict(models.lora_requests)
    known.pop(name, None)
    models.lora_requests = known


async def _body(receive: Receive) -> bytes | None:
    """None when the client left before it had sent everything."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def next_message() -> Message:
        return next(messages, None) or await receive()

    return next_message


def _has_key(scope: Scope) -> bool:
    given = dict(scope["headers"]).get(b"authorization", b"")
    return not envs.VLLM_API_KEY or hmac.compare_digest(given, f"Bearer {envs.VLLM_API_KEY}".encode())


def _refusal(status: int, message: str) -> JSONResponse:
    kind = "invalid_request_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": status}}, status)
