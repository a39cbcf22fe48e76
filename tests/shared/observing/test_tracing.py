"""Spans as a collector gets them, and that nothing of it is there where none is named."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from shared.observing import tracing
from tests.otlp import Collector
from tests.ports import free_port

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as listening:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listening.url)
        tracing.configure("tests")
        yield listening
        tracing.close()


def test_a_span_below_a_parent_from_elsewhere_belongs_to_its_trace(collector: Collector) -> None:
    with tracing.span("outer", PARENT, "consumer"), tracing.span("inner"):
        here = tracing.traceparent()
    tracing.close()
    [inner], [outer] = collector.named("inner"), collector.named("outer")
    assert str(here).startswith(f"00-{inner.trace}-{inner.id}-0")
    assert (inner.trace, inner.parent) == (outer.trace, outer.id)
    assert (outer.trace, outer.parent, outer.service) == (PARENT[3:35], PARENT[36:52], "selfsynth-tests")


def test_an_error_that_leaves_a_span_is_noted_and_goes_on(collector: Collector) -> None:
    with pytest.raises(KeyError), tracing.span("work"):
        raise KeyError("wren")
    tracing.close()
    assert [span.is_error for span in collector.named("work")] == [True]


def test_what_is_not_sampled_makes_no_spans_downstream(collector: Collector) -> None:
    with tracing.span("outer", PARENT):
        unsampled = tracing.traceparent(is_sampled=False)
        assert tracing.headers(is_sampled=False) == {"traceparent": unsampled}
    with tracing.span("below", unsampled):
        pass
    tracing.close()
    assert not collector.named("below")


def test_a_parent_that_is_no_parent_begins_a_trace_of_its_own(collector: Collector) -> None:
    with tracing.span("alone", "not a traceparent"):
        assert tracing.traceparent()
    tracing.close()
    assert [span.parent for span in collector.named("alone")] == [""]


def test_a_collector_that_is_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    tracing.configure("tests")
    with tracing.span("lost"):
        assert tracing.traceparent()
    tracing.close()
    assert tracing.traceparent() is None


def test_without_a_collector_nothing_is_traced_and_neither_exporter_nor_instrumentation_is_loaded() -> None:
    program = (
        "import sys, services.api.app, services.generator.worker\n"
        "from shared.observing import tracing\n"
        "tracing.configure('x')\n"
        "with tracing.span('a', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'):\n"
        "    assert tracing.traceparent() is None and tracing.headers() == {}\n"
        "tracing.close()\n"
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry.exporter', "
        "'opentelemetry.instrumentation', 'opentelemetry.proto'))]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env={"PATH": ""})
