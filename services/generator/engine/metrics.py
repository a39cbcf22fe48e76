"""The engine's figures for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from services.generator.engine import figures
from shared.observing.made import counter, gauge, histogram


class Metrics:
    """Each app has a registry of its own, so that two may live in one process."""

    def __init__(self, queued: Callable[[], int], asleep: Callable[[], bool]) -> None:
        self.registry = CollectorRegistry()
        self.requests = counter(figures.REQUESTS, self.registry)
        self.prompt_tokens = counter(figures.PROMPT_TOKENS, self.registry)
        self.tokens = counter(figures.TOKENS, self.registry)
        self.batch_rows = histogram(figures.BATCH_ROWS, self.registry)
        self.forward_passes = counter(figures.FORWARD_PASSES, self.registry)
        self.adapters = counter(figures.ADAPTERS, self.registry)
        self.open = gauge(figures.OPEN, self.registry)
        gauge(figures.QUEUE_DEPTH, self.registry).set_function(queued)
        gauge(figures.ASLEEP, self.registry).set_function(asleep)
