"""Judges a data set whose images have been opened: what makes it unfit, and what its owner should know. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from services.api.datasets.listing import Finding, Listing
from shared.types.records import Example

Policy = Literal["refuse", "skip"]
_SHOWN = 200


def report(listing: Listing, examples: Sequence[Example], flaws: Sequence[Finding], policy: Policy) -> dict[str, Any]:
    """`{"errors": [...], "warnings": [...], "errors_total", "warnings_total"}`; the lists are cut at 200 lines each.

    With `skip`, images that cannot be used are left out with a warning; what remains must still be a data set.
    """
    errors = [*listing.findings, *_of_classes(listing, examples)]
    warnings = [*_of_splits(examples), *_of_copies(examples), *_of_concepts(listing.concepts, examples)]
    (errors if policy == "refuse" else warnings).extend(flaws)
    return {
        "errors": [finding.model_dump() for finding in errors[:_SHOWN]],
        "warnings": [finding.model_dump() for finding in warnings[:_SHOWN]],
        "errors_total": len(errors),
        "warnings_total": len(warnings),
    }


def lacking(labels: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    """The labels for which a bank (concepts by label, counted) has no concept."""
    return sorted(label for label in set(labels) if not counts.get(label))


def _of_classes(listing: Listing, examples: Sequence[Example]) -> list[Finding]:
    trained = {example.label for example in examples if example.split == "train"}
    found = [
        Finding(
            code="class_without_train",
            message=f"the class {label!r} has no usable train image; add some or take the class out",
        )
        for label in sorted(set(listing.labels) - trained)
    ]
    if any(not label for label in listing.labels):
        found.append(Finding(code="empty_label", message="some images have an empty label"))
    if len(listing.classes) < 2:
        found.append(Finding(code="too_few_classes", message="a data set needs at least two classes"))
    return found


def _of_splits(examples: Sequence[Example]) -> list[Finding]:
    labels = {example.label for example in examples}
    tested = {example.label for example in examples if example.split == "test"}
    if not tested:
        return [Finding(code="no_test", message="there is no test split, so accuracy cannot be told")]
    if labels - tested:
        named = ", ".join(sorted(labels - tested)[:10])
        return [Finding(code="class_without_test", message=f"classes without a test image: {named}")]
    return []


def _of_copies(examples: Sequence[Example]) -> list[Finding]:
    """Byte-identical images: in two splits, under two labels, or merely twice."""
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.sha256].append(example)
    return [_copies(group) for group in groups.values() if len(group) > 1]


def _copies(group: list[Example]) -> Finding:
    files = ", ".join(example.source for example in group[:4])
    if len({example.label for example in group}) > 1:
        return Finding(
            code="copies_disagree", message=f"the same image has several labels: {files}", file=group[0].source
        )
    if len({example.split for example in group}) > 1:
        return Finding(code="leak", message=f"the same image is in several splits: {files}", file=group[0].source)
    return Finding(code="copies", message=f"the same image is there {len(group)} times: {files}", file=group[0].source)


def _of_concepts(concepts: Mapping[str, tuple[str, ...]] | None, examples: Sequence[Example]) -> list[Finding]:
    if concepts is None:
        message = "there is no concept bank; a job needs one: POST it to /datasets/{id}/concepts"
        return [Finding(code="no_concept_bank", message=message)]
    counts = {label: len(of_label) for label, of_label in concepts.items()}
    found = []
    if missing := lacking((e.label for e in examples), counts):
        named = ", ".join(missing[:10])
        found.append(Finding(code="labels_without_concepts", message=f"the concept bank has no concepts for: {named}"))
    if strangers := sorted(set(concepts) - {e.label for e in examples}):
        named = ", ".join(strangers[:10])
        found.append(
            Finding(code="concepts_without_images", message=f"the concept bank has classes without images: {named}")
        )
    return found


def counts_by_split(examples: Iterable[Example]) -> dict[str, int]:
    counts = Counter(example.split for example in examples)
    return {split: counts[split] for split in ("train", "validation", "test") if counts[split]}
