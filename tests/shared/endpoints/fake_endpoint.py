"""A small real HTTP server that speaks chat completions as an OpenAI-compatible endpoint does, and fails to order.

`endpoint_contract` holds it to what the engine of ours does where both serve.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.http_server import Serving

MODEL = "fake-text"
PARTS = ("wing", "tail", "beak", "crest", "breast", "eye ring", "leg")
COLOURS = ("red", "blue", "white", "black", "yellow", "grey", "brown")


@dataclass(frozen=True)
class Asked:
    body: dict[str, Any]
    headers: dict[str, str]
    at: float

    @property
    def label(self) -> str:
        found = re.search(r'"([^"]+)"', self.body["messages"][-1]["content"])
        return found[1] if found else ""


@dataclass
class Failure:
    """What the next request gets instead of an answer. `drop`: the connection ends without one."""

    status: int = 500
    body: str = json.dumps({"error": {"message": "a failure that the test ordered"}})
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


Says = Callable[[Asked], str | dict[str, Any]]


def concepts_for(asked: Asked) -> str:
    """Five concepts that depend on the class."""
    mix = int(hashlib.sha256(asked.label.encode()).hexdigest(), 16)
    named = [f"{COLOURS[(mix >> 8 * k) % 7]} {PARTS[(mix // 7 + k) % 7]}" for k in range(5)]
    return json.dumps({"concepts": list(dict.fromkeys(named))})


class FakeEndpoint(Serving):
    """Serves while it is entered. `says` gives an answer's text, or the whole choice; `failures` come first.

    `refused` are options that the endpoint does not know: it answers 400 and names them.
    """

    def __init__(self, says: Says = concepts_for, key: str = "", refused: tuple[str, ...] = ()) -> None:
        self.says, self.key, self.refused = says, key, refused
        self.failures: list[Failure] = []
        self.asked: list[Asked] = []
        self.hold_s = 0.0
        self.open_now = self.open_most = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def answer(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Failure:
        with self._lock:
            self.open_now += 1
            self.open_most = max(self.open_most, self.open_now)
        try:
            time.sleep(self.hold_s)
            return self._answer(path, Asked(body, headers, time.monotonic()))
        finally:
            with self._lock:
                self.open_now -= 1

    def _answer(self, path: str, asked: Asked) -> Failure:
        with self._lock:
            self.asked.append(asked)
            if self.failures:
                return self.failures.pop(0)
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            given = asked.headers.get("authorization", "").removeprefix("Bearer ")
            return _error(401, f"Incorrect API key provided: {given}")
        if path != "/v1/chat/completions":
            return _error(404, f"no such path {path}")
        if asked.body["model"] != MODEL:
            return _error(404, f"the model {asked.body['model']} does not exist")
        for name in self.refused:
            if name in asked.body:
                instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                return _error(400, f"Unsupported parameter: '{name}'.{instead}")
        return Failure(200, json.dumps(self._completion(asked)))

    def _completion(self, asked: Asked) -> dict[str, Any]:
        said = self.says(asked)
        choice: dict[str, Any] = said if isinstance(said, dict) else {"message": {"content": said}}
        limit = asked.body.get("max_tokens") or asked.body.get("max_completion_tokens") or 10**9
        words = str(choice["message"].get("content") or "").split(" ")
        if len(words) > limit:
            choice["message"]["content"] = " ".join(words[:limit])
            choice["finish_reason"] = "length"
        usage = {"prompt_tokens": 10, "completion_tokens": len(words)}
        return {"choices": [{"index": 0, "finish_reason": "stop", **choice}], "usage": usage}


def _error(status: int, message: str) -> Failure:
    return Failure(status, json.dumps({"error": {"message": message, "type": "invalid_request_error"}}))


def _handler(endpoint: FakeEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = endpoint.answer(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            if answer.drop:
                self.close_connection = True
                return
            content = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests print no requests."""

    return Handler
