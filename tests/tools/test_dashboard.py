"""The dashboard and the alerts ask only for what a service exports, and the docs list all of it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from shared.observing.figures import Figure
from tests.missing import missing
from tools.dashboard import FILE, PANELS, text
from tools.metrics_table import EXPORTED, NAME, PAGE, table
from tools.tables import updated

ROOT = Path(__file__).parents[2]
FIGURES = [figure for figures in EXPORTED.values() for figure in figures]
# What Prometheus lays on every series that it scrapes, and a histogram on its own.
TARGET_LABELS = {"instance", "pod", "le"}


def queries() -> Iterator[str]:
    yield from (query for row in PANELS.values() for panel in row for query, _ in panel.queries)
    rules = yaml.safe_load((ROOT / "k8s" / "components" / "monitoring" / "rules.yaml").read_text())
    yield from (rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"])


def series(figure: Figure) -> tuple[str, ...]:
    if figure.kind == "histogram":
        return tuple(f"{figure.name}_{part}" for part in ("bucket", "count", "sum"))
    return (figure.series,)


OURS = {name: figure for figure in FIGURES for name in series(figure)}


@pytest.mark.parametrize("query", list(queries()))
def test_every_metric_and_label_that_is_asked_for_is_exported(query: str) -> None:
    names = re.findall(r"\bselfsynth_\w+", query)
    assert set(names) <= OURS.keys()
    known = TARGET_LABELS.union(*(OURS[name].labels for name in names))
    grouped = [label.strip() for inner in re.findall(r"\b(?:by|on) \(([^)]*)\)", query) for label in inner.split(",")]
    matched = re.findall(r"(?<=[{,])\s*(?!__name__)(\w+)\s*(?:=|!=|=~|!~)\s*['\"]", query)
    assert {*grouped, *matched} <= known


def test_what_is_asked_of_vllm_is_told_by_the_release_that_is_served_with() -> None:
    metrics = ROOT / ".venv-vllm/lib/python3.11/site-packages/vllm/v1/metrics/loggers.py"
    if not metrics.exists():
        missing(f"vLLM is not installed ({metrics}); run make install-vllm")
    asked = {name for query in queries() for name in re.findall(r"\bvllm:\w+", query)}
    told = set(re.findall(r'"(vllm:\w+)"', metrics.read_text()))
    assert asked
    assert {name.removesuffix("_total") for name in asked} <= told


def test_every_figure_of_ours_has_a_name_of_its_own() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
    assert len(OURS) == sum(len(series(figure)) for figure in FIGURES)


def test_the_dashboard_is_that_of_the_code() -> None:
    assert FILE.read_text() == text(), "run: python -m tools.dashboard"


def test_the_documented_metrics_are_those_of_the_code() -> None:
    assert updated(PAGE.read_text(), NAME, table()) == PAGE.read_text(), "run: python -m tools.metrics_table"
