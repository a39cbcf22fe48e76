"""What workers count, as one table: the exporter makes these metrics, docs/observability.md lists them. Pure."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Figure:
    """A metric. `name` as in Prometheus, but a counter's without its `_total`; a histogram has `buckets`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> str:
        """As it is asked for: a counter has `_total` at its end."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


MESSAGES = Figure(
    "selfsynth_worker_messages",
    "counter",
    "Messages that this worker handled to their end: succeeded, failed, again (handed back), stopped (refused or its "
    "lease lost). One whose process was killed is not among them; the coordinator counts it as lost.",
    ("step", "outcome"),
)
REQUESTS = Figure(
    "selfsynth_generation_requests",
    "counter",
    "Tries at the engine: answered, full (it had no room), lost (no answer), failed, refused",
    ("step", "outcome"),
)
REQUEST_SECONDS = Figure(
    "selfsynth_generation_request_seconds",
    "histogram",
    "How long the engine took for an answer, waiting in its queue included",
    ("step",),
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 300),
)
TOKENS = Figure(
    "selfsynth_generation_tokens",
    "counter",
    "Tokens of answered requests, as the engine counts them: prompt or completion",
    ("step", "kind"),
)
EMBEDDED = Figure(
    "selfsynth_selection_texts",
    "counter",
    "Texts whose embedding was asked for: hit (the cache had it) or miss (the encoder made it)",
    ("cache",),
)
SELECTED = Figure(
    "selfsynth_selection_pairs",
    "counter",
    "Scored pairs: of an image and a concept, or of a question and a candidate answer",
    ("step",),
)
TRAINED_PAIRS = Figure("selfsynth_training_pairs", "counter", "QA pairs that optimiser steps were made of")
TRAINED_TOKENS = Figure("selfsynth_training_tokens", "counter", "Tokens of those pairs, image tokens included")
CHECKPOINTS = Figure("selfsynth_training_checkpoints", "counter", "Checkpoints that training left")

FIGURES = (
    MESSAGES,
    REQUESTS,
    REQUEST_SECONDS,
    TOKENS,
    EMBEDDED,
    SELECTED,
    TRAINED_PAIRS,
    TRAINED_TOKENS,
    CHECKPOINTS,
)
HEALTHY = Figure("selfsynth_worker_healthy", "gauge", "1 while the worker takes messages, as /healthz says")
