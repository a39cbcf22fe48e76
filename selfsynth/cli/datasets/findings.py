"""A validation report as a table: one row a code, errors first. Pure: the report's JSON in, something to print out."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

Json = Mapping[str, Any]
_STYLES = {"error": "bold red", "warning": "yellow"}
_LINES_A_CODE = 3


def report_table(report: Json) -> RenderableType:
    """Each code with how often it was found and its first findings."""
    if not any(report.get(kind) for kind in ("errors", "warnings")):
        return Text("nothing is wrong with it", style="green")
    table = Table(
        Column("", no_wrap=True), Column("code", no_wrap=True), Column("found", justify="right"), "first of them"
    )
    table.box = None
    for severity in _STYLES:
        for row in _rows(severity, report):
            table.add_row(*row)
    return Group(table)


def _rows(severity: str, report: Json) -> Iterator[tuple[Text, str, str, Text]]:
    findings = sorted(report.get(f"{severity}s", []), key=lambda finding: str(finding["code"]))
    for code, group in groupby(findings, key=lambda finding: str(finding["code"])):
        messages = [str(finding["message"]) for finding in group]
        count = report.get("counts", {}).get(code, len(messages))
        shown = "\n".join(messages[:_LINES_A_CODE])
        yield Text(severity, style=_STYLES[severity]), code, str(count), Text(shown)


def summary(dataset: Json) -> str:
    """`data set ds_1 is ready: layout pld, 8 classes, images: 256 train, 64 test`."""
    parts = [f"layout {dataset['layout']}"] if dataset.get("layout") else []
    parts.append(f"{len(dataset.get('classes') or [])} classes")
    counts = ", ".join(f"{count} {split}" for split, count in (dataset.get("splits") or {}).items())
    parts.append(f"images: {counts or 'none'}")
    return f"data set {dataset['id']} is {dataset['status']}: {', '.join(parts)}"
