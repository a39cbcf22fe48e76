"""What becomes of requests is counted by its kind, and of very many only some are traced."""

from collections import Counter

import pytest

from services.generator.observed import Observed
from services.generator.patience import Full, Lost, Passing
from services.generator.wire import Usage, usage_of
from shared.errors import InvalidInput
from shared.observing import tracing
from tests.otlp import Collector
from tests.telling import Told, told

__all__ = ["told"]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Full("no room"), "full"),
        (Lost("no answer"), "lost"),
        (Passing("HTTP 500"), "failed"),
        (InvalidInput("too long", remedy="Shorten it."), "refused"),
    ],
)
def test_a_try_that_fails_is_counted_by_its_kind(told: Told, error: Exception, outcome: str) -> None:
    with pytest.raises(type(error)), Observed("answer").request("http://engine", "m"):
        raise error
    assert told() == {("selfsynth_generation_requests", "answer", outcome): 1}


def test_an_answer_is_counted_with_its_tokens_and_makes_the_pace(told: Told) -> None:
    observed = Observed("answer")
    assert observed.tokens_per_s == 0
    for _ in range(2):
        observed.answered(0.5, usage_of({"usage": {"prompt_tokens": 30, "completion_tokens": 7}}))
    assert told()["selfsynth_generation_requests", "answer", "answered"] == 2
    assert told()["selfsynth_generation_tokens", "answer", "prompt"] == 60
    assert told()["selfsynth_generation_tokens", "answer", "completion"] == 14
    assert observed.tokens_per_s > 0


@pytest.mark.parametrize("answer", [{}, {"usage": None}, {"usage": {}}, []])
def test_an_engine_that_counts_no_tokens_is_asked_all_the_same(answer: object) -> None:
    assert usage_of(answer) == Usage(0, 0)


def test_of_very_many_requests_the_first_and_then_a_few_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = Observed("answer")
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        tracing.configure("tests")
        sampled: Counter[bool] = Counter()
        with tracing.span("step"):
            for _ in range(2500):
                with observed.request("http://engine", "m") as headers:
                    sampled[int(headers["traceparent"][-2:], 16) % 2 == 1] += 1
        tracing.close()
    assert sampled == {True: 102, False: 2398}
    assert len(collector.named("engine request")) == 102
