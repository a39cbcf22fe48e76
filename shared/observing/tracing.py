"""One trace from POST /jobs to the engine's own spans, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.

Without one all this does nothing, and loads nothing (redis-py loads the bare SDK itself, where it is installed). Its
other settings are the SDK's own variables (OTEL_*). A parent goes from process to process as W3C `traceparent` text.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

Kind = Literal["internal", "server", "client", "producer", "consumer"]
# The path of OTLP over HTTP, which we speak; the SDK lays it on the collector's address itself.
PATH = "/v1/traces"
_NAME = "selfsynth"
# A worker sends its last spans before it takes the next message: it must not wait long for a collector that is away.
_PATIENCE_S = 3
_PATIENCE = "OTEL_EXPORTER_OTLP_TIMEOUT"
# What probes, scrapes and workers ask again and again says nothing of a job.
_UNTRACED = "/health,/metrics,/internal/"
_provider: "TracerProvider | None" = None


def traces_endpoint() -> str | None:
    """Where spans are sent, as the SDK's variables say; None: nowhere."""
    whole, base = (os.environ.get(f"OTEL_EXPORTER_OTLP_{name}") for name in ("TRACES_ENDPOINT", "ENDPOINT"))
    return whole or (f"{base.rstrip('/')}{PATH}" if base else None)


def configure(service: str) -> None:
    """Send this process's spans from now on, if a collector is named. A later call changes nothing."""
    global _provider
    if _provider or not traces_endpoint():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or f"{_NAME}-{service}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    exporter = OTLPSpanExporter(timeout=None if _PATIENCE in os.environ else _PATIENCE_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _provider = provider


def close() -> None:
    """Send what is left, which takes some seconds while the collector is away; trace no more."""
    global _provider
    if _provider:
        _provider.force_flush()
        _provider.shutdown()
    _provider = None


@contextmanager
def span(
    name: str, parent: str | None = None, kind: Kind = "internal", attributes: Mapping[str, str | int] | None = None
) -> Iterator[None]:
    """What is done in the block, below `parent` or else below the span around it. An error that leaves it is noted."""
    if _provider is None:
        yield
        return
    from opentelemetry.trace import SpanKind

    tracer = _provider.get_tracer(_NAME)
    context = _context(parent) if parent else None
    with tracer.start_as_current_span(name, context, SpanKind[kind.upper()], dict(attributes or {})):
        yield


def traceparent(*, is_sampled: bool = True) -> str | None:
    """The span around this call, as a message or a request carries it; None where there is none. Not `is_sampled`:
    whoever gets it makes no spans of its own."""
    if _provider is None:
        return None
    from opentelemetry.trace import get_current_span

    here = get_current_span().get_span_context()
    if not here.is_valid:
        return None
    flags = here.trace_flags if is_sampled else 0
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{flags:02x}"


def headers(*, is_sampled: bool = True) -> dict[str, str]:
    """The same, for a request."""
    here = traceparent(is_sampled=is_sampled)
    return {"traceparent": here} if here else {}


def trace_requests(app: "FastAPI") -> None:
    """A span for each request to the app, below the one that the request names."""
    if _provider is None:
        return
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=_provider, excluded_urls=_UNTRACED, exclude_spans=["receive", "send"]
    )


def _context(parent: str) -> "Context":
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})
