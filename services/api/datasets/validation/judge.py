"""Judges a data set whose images have been looked at: what makes it unfit, and what its owner should know. Pure.

Memory grows by a few hundred bytes an image; the rows are read once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.api.datasets.listing import Finding, Listing
from services.api.datasets.validation.classes import Counts, of_classes, of_concepts
from services.api.datasets.validation.codes import code_of
from services.api.datasets.validation.copies import of_copies
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.images import Images
from services.api.datasets.validation.lines import Lines, Policy

__all__ = ["Policy", "Verdict", "judge"]


@dataclass(frozen=True)
class Verdict:
    """`report`: `{"errors": [finding, ...], "warnings": [...], "errors_total", "warnings_total", "counts": {code: n},
    "remedies": {code: how to mend it}}`; the lists are cut at a number of lines a code, the totals never. `left_out`:
    ids of the images that no row of the data set may be made of. `counts`: those that remain, by (label, split)."""

    report: dict[str, Any]
    left_out: frozenset[str]
    counts: Counts


def judge(listing: Listing, rows: Iterable[Examined], policy: Policy) -> Verdict:
    """`listing` is as its reader gave it: the splits of its items are the publisher's, all others in `rows` are ours.

    With `skip`, images with an error are left out and the error becomes a warning; what remains must still be a data
    set."""
    lines = Lines(policy)
    for finding in listing.findings:
        lines.add(finding)
    images, left_out = _gathered(listing, rows, lines)
    looked_at = len(images) + len(left_out)
    for finding, members in of_copies(images):
        if lines.add(finding):
            left_out |= {images.ids[number] for number in members}
    counts = images.counts(frozenset(left_out))
    for finding in (*of_classes(listing, counts), *of_concepts(listing, counts)):
        lines.add(finding)
    return Verdict(lines.report(looked_at), frozenset(left_out), counts)


def _gathered(listing: Listing, rows: Iterable[Examined], lines: Lines) -> tuple[Images, set[str]]:
    """The usable images, and the ids of the others."""
    published = {item.id: item.split for item in listing.items}
    images, unusable = Images(), set()
    for row in rows:
        for code, message in zip(row.findings, row.details, strict=True):
            lines.add(Finding(code=code, message=message, file=row.source, severity=code_of(code).severity))
        if row.usable:
            images.add(row, published.get(row.id))
        else:
            unusable.add(row.id)
    return images, unusable
