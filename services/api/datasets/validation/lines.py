"""Gathers findings into a report: totals of each code, and the first lines of each. Knows nothing of images."""

from collections import Counter
from typing import Any, Literal

from services.api.datasets.listing import Finding, Severity
from services.api.datasets.validation.codes import OF_IMAGES, code_of, rank

Policy = Literal["refuse", "skip"]
_SHOWN = 25


class Lines:
    """Memory holds a few lines a code, however many there are."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._shown: dict[tuple[str, Severity], list[Finding]] = {}
        self._totals: Counter[tuple[str, Severity]] = Counter()

    def add(self, finding: Finding) -> bool:
        """Whether the images concerned are left out: an error that the policy skips becomes a warning."""
        is_skipped = finding.severity == "error" and code_of(finding.code).skippable and self._policy == "skip"
        if is_skipped:
            finding = finding.model_copy(update={"severity": "warning"})
        kind = finding.code, finding.severity
        self._totals[kind] += 1
        shown = self._shown.setdefault(kind, [])
        if len(shown) < _SHOWN:
            shown.append(finding)
        return is_skipped

    def report(self, images: int) -> dict[str, Any]:
        """`images`: how many were looked at. See `Verdict`."""
        codes = sorted({code for code, _ in self._totals}, key=rank)
        return {
            "errors": self._lines(codes, "error", images),
            "warnings": self._lines(codes, "warning", images),
            "errors_total": self._total("error"),
            "warnings_total": self._total("warning"),
            "counts": {code: self._totals[code, "error"] + self._totals[code, "warning"] for code in codes},
            "remedies": {code: code_of(code).remedy for code in codes},
        }

    def _lines(self, codes: list[str], severity: Severity, images: int) -> list[dict[str, Any]]:
        return [finding.model_dump() for code in codes for finding in self._of(code, severity, images)]

    def _of(self, code: str, severity: Severity, images: int) -> list[Finding]:
        """A warning of most images is a trait of the data set: one line says it."""
        count = self._totals[code, severity]
        if code in OF_IMAGES and code_of(code).severity == "warning" and count > 1 and 2 * count > images:
            return [line(code, f"{count} of {images} images")]
        return self._shown.get((code, severity), [])

    def _total(self, severity: Severity) -> int:
        return sum(count for (_, found), count in self._totals.items() if found == severity)


def line(code: str, message: str, file: str | None = None) -> Finding:
    """A finding as grave as its code is."""
    return Finding(code=code, message=message, file=file, severity=code_of(code).severity)
