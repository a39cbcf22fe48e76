"""A validation report to read: a paragraph a code, errors first. Pure: the report's JSON in, something to print out."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.api.datasets.validation.codes import code_of

Json = Mapping[str, Any]
_STYLES = {"error": "bold red", "warning": "yellow"}
_LINES_A_CODE = 3


def report_table(report: Json) -> RenderableType:
    """Each code with how often it was found, its first findings, and how to mend it."""
    if not any(report.get(kind) for kind in ("errors", "warnings")):
        return Text("nothing is wrong with it", style="green")
    table = Table.grid(padding=(0, 2, 0, 0))
    for severity in _STYLES:
        for row in _rows(severity, report):
            table.add_row(*row)
    return table


def _rows(severity: str, report: Json) -> Iterator[tuple[Text, RenderableType]]:
    for code, group in groupby(report.get(f"{severity}s", []), key=lambda finding: str(finding["code"])):
        messages = [str(finding["message"]) for finding in group]
        count = max(report.get("counts", {}).get(code, 0), len(messages))
        title = Text.assemble((code_of(code).title or code, "bold"), f": {count}", (f"  {code}", "dim"))
        lines = [Padding(Text(message, overflow="fold"), (0, 0, 0, 2)) for message in messages[:_LINES_A_CODE]]
        if len(messages) > 1 and count > len(lines):
            lines.append(Padding(Text(f"and {count - len(lines)} more"), (0, 0, 0, 2)))
        remedy = [Text(text, style="italic")] if (text := report.get("remedies", {}).get(code)) else []
        yield Text(severity, style=_STYLES[severity]), Group(title, *lines, *remedy)


def summary(dataset: Json) -> str:
    """`data set ds_1 is ready: layout pld, 8 classes, images: 256 train, 64 test`."""
    parts = [f"layout {dataset['layout']}"] if dataset.get("layout") else []
    parts.append(f"{len(dataset.get('classes') or [])} classes")
    counts = ", ".join(f"{count} {split}" for split, count in (dataset.get("splits") or {}).items())
    parts.append(f"images: {counts or 'none'}")
    return f"data set {dataset['id']} is {dataset['status']}: {', '.join(parts)}"
