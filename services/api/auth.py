"""Who may come in: users with the API key, workers with the worker token. Knows no route's content.

An ASGI layer, so that a request without a key is refused before its body is read.
"""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.problems import problem
from shared.errors import ErrorReport

_OPEN = ("/health/live", "/metrics", "/docs", "/openapi.json")


class BearerAuth:
    def __init__(self, app: ASGIApp, api_key: str, worker_token: str) -> None:
        self._app = app
        self._api_key = api_key.encode()
        self._worker_token = worker_token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._may_pass(scope):
            await self._app(scope, receive, send)
            return
        await _refusal(scope["path"])(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path in _OPEN:
            return True
        wanted = self._worker_token if path.startswith("/internal/") else self._api_key
        given = Headers(scope=scope).get("authorization", "")
        return given.lower().startswith("bearer ") and hmac.compare_digest(given[7:].strip().encode(), wanted)


def _refusal(path: str) -> ASGIApp:
    who = "the worker token" if path.startswith("/internal/") else "the API key"
    report = ErrorReport(
        code="unauthorised",
        message=f"{path} needs {who}, and the request has none or a wrong one",
        remedy="Send the header `Authorization: Bearer <key>`.",
        fault="user",
    )
    return problem(report, 401)
