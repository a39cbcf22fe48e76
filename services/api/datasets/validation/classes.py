"""Judges the classes of a data set by their numbers of images and concepts. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from services.api.datasets.listing import Finding, Listing
from services.api.datasets.validation.lines import line
from shared.types.records import Split

MIN_IMAGES = 5
MAX_IMBALANCE = 10
_NAMED = 10

Counts = Counter[tuple[str, Split]]


def of_classes(listing: Listing, counts: Counts) -> Iterator[Finding]:
    """`counts`: usable images of each (label, split)."""
    labels = listing.labels
    if len(labels) < 2:
        yield line(
            "too_few_classes", f"there {'is one class' if labels else 'are no classes'}, and at least two are needed"
        )
    learnt = {label: counts[label, "train"] + counts[label, "validation"] for label in labels}
    yield from _of_train(listing, counts)
    for label, images in learnt.items():
        if 0 < images < MIN_IMAGES and counts[label, "train"]:
            yield line("class_small", f"{label!r} has {_images(images)} to learn from; fewer than {MIN_IMAGES}")
    yield from _of_balance(learnt)
    yield from _of_test(labels, counts)


def of_concepts(listing: Listing, counts: Counts) -> Iterator[Finding]:
    if listing.concepts is None:
        yield line("no_concept_bank", "a job needs one (docs/datasets.md)")
        return
    labels = {label for (label, _), images in counts.items() if images}
    if missing := lacking(labels, {label: len(of_label) for label, of_label in listing.concepts.items()}):
        yield line("labels_without_concepts", f"the concept bank has no concepts for: {_named(missing)}")
    if strangers := sorted(set(listing.concepts) - labels):
        yield line("concepts_without_images", f"the concept bank has classes without images: {_named(strangers)}")


def lacking(labels: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    """The labels for which a bank (concepts by label, counted) has no concept."""
    return sorted(label for label in set(labels) if not counts.get(label))


def _of_train(listing: Listing, counts: Counts) -> Iterator[Finding]:
    listed = {item.label for item in listing.items}
    told = {PurePosixPath(f.file).name for f in listing.findings if f.code == "empty_class" and f.file}
    for name in listing.classes:
        if name.label not in listed:
            if name.raw not in told:
                yield line("class_without_images", f"no image has the label {name.label!r}")
        elif not counts[name.label, "train"]:
            yield line("class_without_train", f"the class {name.label!r} has no usable train image")


def _of_balance(learnt: Mapping[str, int]) -> Iterator[Finding]:
    sizes = sorted((images, label) for label, images in learnt.items() if images)
    if sizes and sizes[-1][0] > MAX_IMBALANCE * sizes[0][0]:
        (fewest, small), (most, large) = sizes[0], sizes[-1]
        yield line("imbalance", f"{large!r} has {_images(most)} to learn from, {small!r} {fewest}")


def _of_test(labels: Iterable[str], counts: Counts) -> Iterator[Finding]:
    untested = [label for label in labels if not counts[label, "test"]]
    splits = {split for (_, split), images in counts.items() if images}
    if splits and "test" not in splits:
        yield line("no_test", "there is no test split, so accuracy cannot be told")
    elif splits and untested:
        yield line("class_without_test", f"no test image of: {_named(untested)}")


def _images(count: int) -> str:
    return f"{count} image{'s' * (count != 1)}"


def _named(labels: list[str]) -> str:
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more
