"""An engine that lists models, and that sleeps as vLLM does. It does nothing else: what the coordinator asks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.http_server import Serving


class FakeEngine(Serving):
    """Serves while it is entered. `can_sleep` says whether it was started so; a `fault` is the HTTP status with which
    it answers all about sleep. `changes` tells what it was asked to do.

    The contract in `sleeping.contract` holds it to what the real engine does.
    """

    def __init__(self, *, can_sleep: bool = True, port: int = 0) -> None:
        self.can_sleep = can_sleep
        self.is_asleep = False
        self.fault = 0
        self.changes: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        if path == "/v1/models":
            return 200, {"data": [{"id": "tiny"}, {"id": "job_x-r1", "parent": "tiny"}]}
        if self.fault:
            return self.fault, {"error": {"message": "a failure that the test ordered"}}
        if not self.can_sleep:
            return 404, {"detail": "Not Found"}
        if (method, path) == ("GET", "/is_sleeping"):
            return 200, {"is_sleeping": self.is_asleep}
        self.changes.append(path)
        self.is_asleep = {"/sleep": True, "/wake_up": False}[path]
        return 200, {"status": "sleeping" if self.is_asleep else "awake"}


def _handler(engine: FakeEngine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            status, content = engine.answer(method, self.path)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Silent."""

    return Handler


@contextmanager
def running_engine() -> Iterator[str]:
    """The URL of one that cannot sleep."""
    with FakeEngine(can_sleep=False) as engine:
        yield engine.url
