"""Judges a data set whose images have been looked at: what makes it unfit, and what its owner should know. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from services.api.datasets.listing import Finding, Listing
from services.api.datasets.validation.codes import code_of
from services.api.datasets.validation.examined import Examined

Policy = Literal["refuse", "skip"]


@dataclass(frozen=True)
class Verdict:
    """`report`: `{"errors": [...], "warnings": [...], "errors_total", "warnings_total", "counts": {code: n}}`; the
    lists are cut at a number of lines a code, the totals never. `left_out`: ids of the images that no row of the data
    set may be made of."""

    report: dict[str, Any]
    left_out: frozenset[str]


def judge(listing: Listing, rows: Iterable[Examined], policy: Policy) -> Verdict:
    """`listing` is as its reader gave it: items of split None tell that the splits in `rows` are ours."""
    left_out = set()
    lines: dict[str, list[dict[str, Any]]] = {"error": [], "warning": []}
    counts: dict[str, int] = {}
    for row in rows:
        if not row.usable:
            left_out.add(row.id)
        for code, message in zip(row.findings, row.details, strict=True):
            kind = "warning" if policy == "skip" else code_of(code).severity
            counts[code] = counts.get(code, 0) + 1
            finding = Finding(code=code, message=message, file=row.source, severity=kind)
            lines[kind].append(finding.model_dump())
    report: dict[str, Any] = {"errors": lines["error"], "warnings": lines["warning"], "counts": counts}
    report |= {"errors_total": len(lines["error"]), "warnings_total": len(lines["warning"])}
    return Verdict(report, frozenset(left_out))
