"""Finds what is there more than once: the same bytes, nearly the same picture, the same patient. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from services.api.datasets.listing import Finding
from services.api.datasets.validation.images import Images, groups_of
from services.api.datasets.validation.lines import line
from services.api.datasets.validation.near import clusters

_NAMED = 4


def of_copies(images: Images) -> Iterator[tuple[Finding, list[int]]]:
    """Findings, and the numbers of the images to leave out if it is an error that is skipped."""
    for members in images.same_bytes():
        yield _of_same(images, members)
    for members in images.same_group():
        if len({images.split(n) for n in members}) > 1:
            message = f"{images.group(members[0])} is in {_splits(images, members)}: {_files(images, members)}"
            yield _leak(images, "group_leak", message, members)
    numbers, hashes = images.hashed()
    for positions in groups_of(clusters(hashes)) if len(numbers) else ():
        yield _of_near(images, [int(numbers[p]) for p in positions]), []


def _of_same(images: Images, members: list[int]) -> tuple[Finding, list[int]]:
    files = _files(images, members)
    if len({images.label(n) for n in members}) > 1:
        message = f"the same picture is {_labels(images, members)}: {files}"
        return line("copies_disagree", message, images.sources[members[0]]), members
    if len({images.split(n) for n in members}) > 1:
        message = f"the same picture is in {_splits(images, members)}: {files}"
        return _leak(images, "leak", message, members)
    return line("copies", f"the same picture {len(members)} times: {files}", images.sources[members[0]]), []


def _of_near(images: Images, members: Sequence[int]) -> Finding:
    files, file = _files(images, members), images.sources[members[0]]
    if len({images.label(n) for n in members}) > 1:
        return line("near_copies_disagree", f"nearly the same picture is {_labels(images, members)}: {files}", file)
    if len({images.split(n) for n in members}) > 1:
        return line("near_leak", f"nearly the same picture is in {_splits(images, members)}: {files}", file)
    return line("near_copies", f"nearly the same picture {len(members)} times: {files}", file)


def _leak(images: Images, code: str, message: str, members: list[int]) -> tuple[Finding, list[int]]:
    """In the publisher's own split a warning: figures that are to be compared with others' need that very split. Where
    we have drawn it an error; what is left out is then all but the test side (without one: all but validation)."""
    finding = line(code, message, images.sources[members[0]])
    torn = [side for side in _by_published(images, members) if len({images.split(n) for n in side}) > 1]
    if not torn:
        return finding.model_copy(update={"severity": "warning"}), []
    return finding, [n for side in torn for n in side if images.split(n) != _kept(images, side)]


def _by_published(images: Images, members: Sequence[int]) -> Iterable[list[int]]:
    """The members by the publisher's split, so that what we have torn apart ourselves can be seen."""
    sides: dict[str | None, list[int]] = {}
    for number in members:
        sides.setdefault(images.published_split(number), []).append(number)
    return sides.values()


def _kept(images: Images, members: Sequence[int]) -> str:
    return "test" if any(images.split(n) == "test" for n in members) else "validation"


def _labels(images: Images, members: Sequence[int]) -> str:
    names = sorted({images.label(n) for n in members})
    return _listed([repr(name) for name in names], "and")


def _splits(images: Images, members: Sequence[int]) -> str:
    found = {images.split(n) for n in members}
    return _listed([split for split in ("train", "validation", "test") if split in found], "and")


def _files(images: Images, members: Sequence[int]) -> str:
    """A few of them. Of each split and label one comes first, so that the contradiction is seen."""
    kinds: dict[tuple[str, str], int] = {}
    for number in members:
        kinds.setdefault((images.label(number), images.split(number)), number)
    order = [*kinds.values(), *(n for n in members if n not in set(kinds.values()))]
    return _listed([images.sources[n] for n in order], "")


def _listed(names: Sequence[str], joint: str) -> str:
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    if joint and len(names) > 1:
        return f"{', '.join(names[:-1])} {joint} {names[-1]}"
    return ", ".join(names)
