"""Reads what Prometheus would scrape."""

from prometheus_client.parser import text_string_to_metric_families


def samples(text: str) -> dict[str, float]:
    """Values by series, as `name` or `name{a="1",b="2"}` with the labels in the alphabet's order."""
    families = text_string_to_metric_families(text)
    return {_series(s.name, s.labels): s.value for family in families for s in family.samples}


def _series(name: str, labels: dict[str, str]) -> str:
    inner = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name
