"""Writes the table of metrics into docs/observability.md. `--check` only says whether it is up to date."""

from collections.abc import Sequence
from pathlib import Path

from services.api.metrics import figures as coordinator
from services.generator.engine import figures as engine
from shared.observing import figures as workers
from shared.observing.figures import Figure
from tools.tables import write

PAGE = Path(__file__).parent.parent / "docs" / "observability.md"
NAME = "metrics"
EXPORTED: dict[str, Sequence[Figure]] = {
    "every coordinator, the same": coordinator.SHARED,
    "each coordinator, its own": coordinator.OWN,
    "workers": (*workers.FIGURES, workers.HEALTHY),
    "our engine": engine.FIGURES,
}


def table() -> str:
    lines = ["| from | metric | kind | labels | meaning |", "|---|---|---|---|---|"]
    for service, figures in EXPORTED.items():
        lines += [
            f"| {service} | `{each.series}` | {each.kind} | {', '.join(each.labels)} | {each.help} |"
            for each in figures
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write(PAGE, NAME, table(), "tools.metrics_table")
