"""The engine's figures for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Each app has a registry of its own, so that two may live in one process."""

    def __init__(self, queued: Callable[[], int], asleep: Callable[[], bool]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "selfsynth_engine_requests", "Chat requests by HTTP status", ["status"], registry=self.registry
        )
        self.prompt_tokens = Counter("selfsynth_engine_prompt_tokens", "Tokens read", registry=self.registry)
        self.tokens = Counter("selfsynth_engine_generated_tokens", "Tokens generated", registry=self.registry)
        self.batch_rows = Histogram(
            "selfsynth_engine_batch_rows", "Rows of a batch", buckets=[2**k for k in range(11)], registry=self.registry
        )
        self.forward_passes = Counter(
            "selfsynth_engine_forward_passes", "Times that the model made a token for its rows", registry=self.registry
        )
        self.adapters = Counter(
            "selfsynth_engine_adapters", "Adapters asked for: hit (the files were here) or miss", ["cache"],
            registry=self.registry,
        )  # fmt: skip
        self.open = Gauge("selfsynth_engine_open_requests", "Requests that have no answer yet", registry=self.registry)
        depth = Gauge("selfsynth_engine_queue_depth", "Requests that wait", registry=self.registry)
        depth.set_function(queued)
        sleeping = Gauge("selfsynth_engine_asleep", "1 while the engine sleeps", registry=self.registry)
        sleeping.set_function(asleep)
