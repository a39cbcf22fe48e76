"""How large a body may be. An ASGI layer: it counts bytes as they come and trusts no header alone."""

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problems import problem
from shared.errors import ErrorReport

UPLOAD_PATH = "/datasets/upload"
_UPLOAD = re.compile(UPLOAD_PATH)
_CHAT = re.compile(r"/jobs/[^/]+/chat")


class BodyLimit:
    def __init__(self, app: ASGIApp, json_bytes: int, upload_bytes: int, chat_bytes: int) -> None:
        self._app = app
        self._json_bytes = json_bytes
        self._of_path = ((_UPLOAD, upload_bytes), (_CHAT, chat_bytes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            await _refusal(limit)(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)

    def _limit_of(self, path: str) -> int:
        return next((limit for pattern, limit in self._of_path if pattern.fullmatch(path)), self._json_bytes)


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            # Routes pass this one on; other errors while a body is read they take for a bad body.
            raise HTTPException(413, f"the body is larger than {limit} bytes")
        return message

    return counted


def _refusal(limit: int) -> ASGIApp:
    report = ErrorReport(
        code="body_too_large",
        message=f"the body is larger than {limit} bytes",
        remedy="Send less, or register a data set by path or upload; the operator can raise the limit.",
        fault="user",
    )
    return problem(report, 413)
