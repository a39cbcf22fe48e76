"""A data set's whole report as plain text. Pure."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

Report = Mapping[str, Any]


def report_text(name: str, status: str, report: Report) -> str:
    """One block a code, errors first, one line a finding."""
    totals = [f"{report.get(f'{kind}_total', len(report[kind]))} {kind}" for kind in ("errors", "warnings")]
    blocks = [f"{name} is {status}: {', '.join(totals)}"]
    for kind in ("error", "warning"):
        findings = sorted(report[f"{kind}s"], key=lambda finding: str(finding["code"]))
        for code, group in groupby(findings, key=lambda finding: str(finding["code"])):
            blocks.append("\n".join(_block(kind, code, list(group), report.get("counts", {}))))
    return "\n\n".join(blocks) + "\n"


def _block(kind: str, code: str, findings: list[Report], counts: Mapping[str, int]) -> Iterator[str]:
    count = counts.get(code, len(findings))
    yield f"{kind} {code} ({count})"
    yield from (f"  {finding['message']}" for finding in findings)
    if count > len(findings):
        yield f"  ... and {count - len(findings)} more"
