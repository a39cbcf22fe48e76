"""A collector of OpenTelemetry's spans: takes what is sent to `/v1/traces` and keeps it to look at."""

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """`parent` is "" for a root. `is_error`: its status says so."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    is_error: bool


class Collector:
    """Listens while it is entered, at `url`."""

    def __init__(self) -> None:
        self._spans: list[Seen] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._spans))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def spans(self) -> list[Seen]:
        return list(self._spans)

    def named(self, name: str) -> list[Seen]:
        return [span for span in self._spans if span.name == name]

    def line_of(self, span: Seen) -> list[Seen]:
        """The span and all above it, as far as they have come."""
        known = {each.id: each for each in list(self._spans)}
        line = [span]
        while above := known.get(line[-1].parent):
            line.append(above)
        return line


def _handler(spans: list[Seen]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            spans.extend(_seen(ExportTraceServiceRequest.FromString(gzip.decompress(body) if packed else body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Silent."""

    return Handler


def _seen(request: ExportTraceServiceRequest) -> list[Seen]:
    found = []
    for resource in request.resource_spans:
        told = {each.key: each.value.string_value for each in resource.resource.attributes}
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            ids = (each.hex() for each in (span.trace_id, span.span_id, span.parent_span_id))
            found.append(Seen(told.get("service.name", ""), span.name, *ids, is_error=span.status.code == 2))
    return found
