"""A coordinator that records what workers tell it: a real HTTP server, no rules of its own beyond what a test sets."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class CoordinatorStub:
    """`calls` holds (verb, body) in order; verbs in `answers` are answered with that status once for each entry."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, list[int]] = {}
        self.url = ""

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.calls if verb != "heartbeat"]

    def body(self, verb: str) -> dict[str, Any]:
        return next(body for name, body in self.calls if name == verb)

    def take(self, verb: str, body: dict[str, Any]) -> int:
        self.calls.append((verb, body))
        planned = self.answers.get(verb, [])
        return planned.pop(0) if planned else 200


@contextmanager
def running_stub() -> Iterator[CoordinatorStub]:
    stub = CoordinatorStub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = stub.take(self.path.rsplit("/", 1)[1], {**body, "authorization": self.headers["Authorization"]})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield stub
    server.shutdown()
    server.server_close()
