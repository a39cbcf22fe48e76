"""A small real HTTP server that speaks chat completions as an engine does, and remembers what it was asked.

`python -m tests.services.generator.fake_engine PORT HOLD_S` is one in a process of its own, to be killed or stopped.

It sees an image only as the hash of its bytes, "" where there is none. `chat_contract` holds it to the real engine.
"""

import base64
import hashlib
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.http_server import Serving

MODEL = "fake"
WORDS = ["red", "blue", "long", "short", "wing", "tail", "beak", "crest", "grass", "leaf"]


@dataclass(frozen=True)
class Asked:
    model: str
    text: str
    image_sha256: str
    n: int
    temperature: float
    max_tokens: int
    seed: int
    has_schema: bool = False
    said: str | None = None


Says = Callable[[Asked, int], str]
Finds = Callable[[Asked], float]


def random_words(asked: Asked, choice: int) -> str:
    """Twelve words that depend on all that an answer may depend on."""
    noise = (asked.seed, choice) if asked.temperature else ()
    return " ".join(random.Random(f"{asked.text} {asked.image_sha256} {noise}").choices(WORDS, k=12))


class FakeEngine(Serving):
    """Serves while it is entered. `says` gives a choice's text; `failures` are HTTP statuses for the next requests, and
    `fails` says which request is answered with one always (0: none). More than `most_open` at once are one too many.

    `finds` gives the log-probability of the last word of an answer whose beginning is told.
    A text of more words than `max_tokens` is cut there. `hold_s` is how long an answer takes.
    """

    def __init__(
        self, says: Says = random_words, key: str = "", hold_s: float = 0.0, port: int = 0, host: str = "127.0.0.1"
    ) -> None:
        self.says = says
        self.key = key
        self.hold_s = hold_s
        self.failures: list[int] = []
        self.fails: Callable[[Asked], int] = lambda asked: 0
        self.most_open: int | None = None
        self.keeps_to_schemas = False
        self.finds: Finds = lambda asked: -1.0
        self.asked: list[Asked] = []
        self.open_now = 0
        self.open_most = 0
        self._lock = threading.Lock()
        self._server = _Server((host, port), _handler(self))
        self.port = int(self._server.server_port)
        self.url = f"http://{host}:{self.port}"

    def complete(self, body: dict[str, Any], bearer: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.open_now += 1
            self.open_most = max(self.open_most, self.open_now)
            is_full = self.most_open is not None and self.open_now > self.most_open
        try:
            if is_full:
                return 503, _error("the queue is full")
            time.sleep(self.hold_s)
            if isinstance(body["messages"][0]["content"], str):
                return self._greet()
            return self._complete(_asked(body), bearer)
        finally:
            with self._lock:
                self.open_now -= 1

    def _complete(self, asked: Asked, bearer: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            failure = self.failures.pop(0) if self.failures else self.fails(asked)
        if failure:
            return failure, _error("a failure that the test ordered")
        if bearer != self.key:
            return 401, _error("the key is wrong")
        if asked.model != MODEL:
            return 404, _error(f"the model {asked.model} does not exist")
        if asked.has_schema and not self.keeps_to_schemas:
            return 400, _error("response_format: this engine cannot keep to a format")
        with self._lock:
            self.asked.append(asked)
        if asked.said is not None:
            return 200, {"choices": [self._choice(asked, 0)], "prompt_logprobs": self._read(asked, asked.said)}
        return 200, {"choices": [self._choice(asked, k) for k in range(asked.n)]}

    def _greet(self) -> tuple[int, dict[str, Any]]:
        """To a request without an image, which only asks whether anybody is answered. Not remembered."""
        with self._lock:
            failure = self.failures.pop(0) if self.failures else 0
        message = {"role": "assistant", "content": "Hello"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return (failure, _error("a failure that the test ordered")) if failure else (200, {"choices": [choice]})

    def _read(self, asked: Asked, said: str) -> list[dict[str, Any] | None]:
        """A token a word; what `finds` gives is that of the last."""
        words = [asked.text, *said.split()]
        ids = [int(hashlib.sha256(word.encode()).hexdigest()[:6], 16) for word in words]
        told = [*[-0.5] * (len(words) - 1), self.finds(asked)]
        return [None, *({str(token): {"logprob": value}} for token, value in zip(ids, told, strict=True))]

    def _choice(self, asked: Asked, index: int) -> dict[str, Any]:
        words = self.says(asked, index).split(" ")
        reason = "length" if len(words) > asked.max_tokens else "stop"
        content = " ".join(words[: asked.max_tokens])
        return {"index": index, "message": {"role": "assistant", "content": content}, "finish_reason": reason}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left before its answer is no fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(engine: FakeEngine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = engine.complete(body, self.headers.get("Authorization", "").removeprefix("Bearer "))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests print no requests."""

    return Handler


def _asked(body: dict[str, Any]) -> Asked:
    message, *said = body["messages"]
    assert bool(said) == body.get("continue_final_message", False)
    parts = {part["type"]: part for part in message["content"]}
    shown = parts.get("image_url")
    image = base64.b64decode(shown["image_url"]["url"].partition("base64,")[2], validate=True) if shown else None
    return Asked(
        model=body["model"],
        text=parts["text"]["text"],
        image_sha256="" if image is None else hashlib.sha256(image).hexdigest(),
        n=body.get("n", 1),
        temperature=body["temperature"],
        max_tokens=body["max_tokens"],
        seed=body["seed"],
        has_schema="response_format" in body,
        said=said[0]["content"] if said else None,
    )


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "error", "code": None}}


if __name__ == "__main__":
    with FakeEngine(port=int(sys.argv[1]), hold_s=float(sys.argv[2])):
        signal.pause()
