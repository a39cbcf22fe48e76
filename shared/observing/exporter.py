"""`python -m shared.observing.exporter`: serves a worker's `/metrics` and `/healthz` from a process of its own.

The worker forks a child for each message: no thread may run in it, and what the children count must outlive them. So
this process reads what they tell from standard input, until the last of them has gone. Knows no step's content.
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Histogram, make_wsgi_app

from shared.observing.figures import FIGURES, HEALTHY, Figure
from shared.observing.heartbeat import fault, impatient
from shared.observing.made import counter, gauge, histogram

REDIS_URL = "SELFSYNTH_REDIS_URL"
READY = "ready"
Metric = Counter | Histogram


class Exporter:
    """`health` returns what is wrong, or ""."""

    def __init__(self, health: Callable[[], str], figures: Sequence[Figure] = FIGURES) -> None:
        self.registry = CollectorRegistry()
        self._health = health
        self._metrics = {figure.name: _metric(figure, self.registry) for figure in figures}
        gauge(HEALTHY, self.registry).set_function(lambda: not health())
        self._answer_metrics = make_wsgi_app(self.registry)

    def hear(self, line: bytes) -> None:
        """One line of shared.observing.tally."""
        name, amount, *labels = json.loads(line)
        metric = self._metrics[name]
        target = metric.labels(*labels) if labels else metric
        if isinstance(target, Histogram):
            target.observe(amount)
        else:
            target.inc(amount)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """WSGI."""
        path = environ["PATH_INFO"]
        if path == "/metrics":
            body: Iterable[bytes] = self._answer_metrics(environ, start_response)
            return body
        if path == "/healthz":
            wrong = self._health()
            status, text = ("503 Service Unavailable", wrong) if wrong else ("200 OK", "ok")
        else:
            status, text = "404 Not Found", "here are /metrics and /healthz"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{text}\n".encode()]


def _metric(figure: Figure, registry: CollectorRegistry) -> Metric:
    return histogram(figure, registry) if figure.kind == "histogram" else counter(figure, registry)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Probes ask every few seconds."""


def serve(exporter: Exporter, port: int, told: Iterator[bytes]) -> None:
    """Serve on all addresses until `told` ends. Raises OSError when the port is taken."""
    with make_server("", port, exporter, server_class=_Server, handler_class=_Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(READY, flush=True)  # noqa: T201 - the worker waits for it
        for line in told:
            exporter.hear(line)
        server.shutdown()


def main() -> None:
    arguments = _parser().parse_args()
    # Asked to end with the worker, it goes on until the worker has drained.
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    connection, worker = impatient(os.environ[REDIS_URL]), arguments.worker
    serve(Exporter(lambda: fault(connection, worker) if worker else ""), arguments.port, iter(sys.stdin.buffer))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.observing.exporter", description="A worker's figures.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--worker", default="", help="its name in the queue; without one only its process is watched")
    return parser


if __name__ == "__main__":
    main()
