"""Makes Prometheus' own metrics of figures."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.observing.figures import Figure


def counter(figure: Figure, registry: CollectorRegistry) -> Counter:
    return Counter(figure.name, figure.help, figure.labels, registry=registry)


def gauge(figure: Figure, registry: CollectorRegistry) -> Gauge:
    return Gauge(figure.name, figure.help, figure.labels, registry=registry)


def histogram(figure: Figure, registry: CollectorRegistry) -> Histogram:
    return Histogram(figure.name, figure.help, figure.labels, buckets=figure.buckets, registry=registry)
