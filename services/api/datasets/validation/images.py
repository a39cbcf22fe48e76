"""The usable images of a data set as columns, a few hundred bytes an image. Knows nothing of findings."""

from array import array
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.api.datasets.validation.examined import Examined
from shared.types.records import Split

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
_HASH_BYTES = 32
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Images:
    """Numbered from 0 in the order in which they were added. A number may be asked for its id, source, label, split,
    the split that its publisher put it in (None: in none), and its group (None: it has none)."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.sources: list[str] = []
        self._labels, self._groups = _Names(), _Names()
        self._splits = array("b")
        self._published = array("b")
        self._sha256 = bytearray()
        self._perceptual = bytearray()
        self._hashed = array("q")

    def add(self, row: Examined, published: Split | None) -> None:
        if row.perceptual:
            self._hashed.append(len(self.ids))
            self._perceptual += bytes.fromhex(row.perceptual)
        self.ids.append(row.id)
        self.sources.append(row.source)
        self._labels.add(row.label)
        self._groups.add(row.group or "")
        self._splits.append(SPLITS.index(row.split))
        self._published.append(SPLITS.index(published) if published else -1)
        self._sha256 += bytes.fromhex(row.sha256)

    def __len__(self) -> int:
        return len(self.ids)

    def label(self, number: int) -> str:
        return self._labels[number]

    def group(self, number: int) -> str | None:
        return self._groups[number] or None

    def split(self, number: int) -> Split:
        return SPLITS[self._splits[number]]

    def published_split(self, number: int) -> Split | None:
        return SPLITS[self._published[number]] if self._published[number] >= 0 else None

    def same_bytes(self) -> Iterator[list[int]]:
        """Numbers of images that are byte for byte the same."""
        return groups_of(np.frombuffer(bytes(self._sha256), dtype=f"V{_HASH_BYTES}"))

    def same_group(self) -> Iterator[list[int]]:
        keys = np.array(self._groups.numbers, dtype=np.int64)
        for members in groups_of(keys):
            if self.group(members[0]):
                yield members

    def hashed(self) -> tuple[Indices, Hashes]:
        """Numbers (n,) and perceptual hashes (n, 4) of one image of each set of same bytes that has one."""
        numbers = np.array(self._hashed, dtype=np.int64)
        hashes = np.frombuffer(bytes(self._perceptual), dtype=np.uint64).reshape(-1, _HASH_BYTES // 8)
        sha256 = np.frombuffer(bytes(self._sha256), dtype=f"V{_HASH_BYTES}")[numbers]
        _, first = np.unique(sha256, return_index=True)
        first.sort()
        return numbers[first], hashes[first]

    def counts(self, without: frozenset[str]) -> Counter[tuple[str, Split]]:
        """Images of each label and split, those of the named ids left out."""
        kept = (n for n, id_ in enumerate(self.ids) if id_ not in without)
        return Counter((self.label(n), self.split(n)) for n in kept)


def groups_of(keys: NDArray[np.generic]) -> Iterator[list[int]]:
    """Positions of equal keys, of those that are there more than once; groups in order of their first position."""
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(counts)
    for group in sorted(np.flatnonzero(counts > 1), key=lambda each: int(first[each])):
        yield order[ends[group] - counts[group] : ends[group]].tolist()


class _Names:
    """A column of texts of which few are different."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._number_of: dict[str, int] = {}
        self.numbers = array("i")

    def add(self, name: str) -> None:
        if name not in self._number_of:
            self._number_of[name] = len(self._names)
            self._names.append(name)
        self.numbers.append(self._number_of[name])

    def __getitem__(self, position: int) -> str:
        return self._names[self.numbers[position]]
