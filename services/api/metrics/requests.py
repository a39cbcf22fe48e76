"""Times the requests to the coordinator, by the route that answered. Knows no route's content."""

import time

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What no route answered: an address that there is not, or a request without its key.
_NO_ROUTE = "none"
# Whoever asks may make up others.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class RequestTimes:
    """An ASGI layer. To be the outermost, so that refusals are timed too."""

    def __init__(self, app: ASGIApp, times: Histogram) -> None:
        self._app = app
        self._times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._times.labels(method, route, str(status)).observe(time.monotonic() - begun)
