"""Finds rows of bits that differ in few places, among a hundred thousand, in seconds and little memory. Pure.

Pigeonhole: rows of 256 bits that differ in at most 31 places agree, in at least one of 16 words of 16 bits, in all bits
but one at most. So only rows whose words are equal or one bit apart are compared. The bits are shuffled first, since
neighbours in a perceptual hash depend on each other and would crowd into few words.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 31
_VALUES = 1 << 16
_FLIPS = (0, *(1 << bit for bit in range(16)))
_PAIRS_AT_ONCE = 1 << 18

Indices = NDArray[np.int64]
Hashes = NDArray[np.uint64]


def clusters(hashes: Hashes) -> Indices:
    """`hashes`: (n, 4). For each row the least index among all rows that it is linked with, by steps of at most
    MOST_BITS bits each: (n,)."""
    words = _shuffled_words(hashes).T.astype(np.int64)
    least: Indices = np.arange(len(hashes))
    # Neighbours in order first: where thousands are alike, one pass links them, and they need not be compared in pairs.
    for word in words:
        order = np.argsort(word, kind="stable")
        least = _linked(least, *_near(hashes, order[:-1], order[1:]))
    for word in words:
        for first, second in _candidates(word, least):
            least = _linked(least, *_near(hashes, first, second))
    return least


def _near(hashes: Hashes, first: Indices, second: Indices) -> tuple[Indices, Indices]:
    is_near = np.bitwise_count(hashes[first] ^ hashes[second]).sum(axis=1, dtype=np.uint16) <= MOST_BITS
    return first[is_near], second[is_near]


def _candidates(word: Indices, least: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Pairs of rows whose words are equal or one bit apart and that are not linked yet, each pair once."""
    key = word << 32 | least
    order = np.argsort(key)
    key = key[order]
    starts = np.searchsorted(key >> 32, np.arange(_VALUES + 1))
    for flip in _FLIPS:
        partner = key ^ (flip << 32)
        value = partner >> 32
        own_begin, own_end = np.searchsorted(key, partner, "left"), np.searchsorted(key, partner, "right")
        is_later = partner >= key
        spans = [(own_end, starts[value + 1])]
        if flip:
            spans.append((starts[value], own_begin))
        for begin, end in spans:
            for one, other in _pairs(begin, np.where(is_later, end, begin)):
                yield order[one], order[other]


def _pairs(begin: Indices, end: Indices) -> Iterator[tuple[Indices, Indices]]:
    """(i, j) for each i and each j in begin[i]:end[i], a bounded number at a time."""
    rows = np.flatnonzero(end > begin)
    counts = (end - begin)[rows]
    totals = np.cumsum(counts)
    cut = 0
    while cut < len(rows):
        before = int(totals[cut - 1]) if cut else 0
        upto = max(cut + 1, int(np.searchsorted(totals, before + _PAIRS_AT_ONCE, side="right")))
        part, number = rows[cut:upto], counts[cut:upto]
        within = np.arange(number.sum()) - np.repeat(totals[cut:upto] - number - before, number)
        yield np.repeat(part, number), np.repeat(begin[part], number) + within
        cut = upto


def _shuffled_words(hashes: Hashes) -> NDArray[np.uint16]:
    bits = np.unpackbits(np.ascontiguousarray(hashes).view(np.uint8), axis=1)
    shuffle = np.random.default_rng(0).permutation(bits.shape[1])
    return np.ascontiguousarray(np.packbits(bits[:, shuffle], axis=1)).view(np.uint16)


def _linked(least: Indices, first: Indices, second: Indices) -> Indices:
    while True:
        one, other = least[first], least[second]
        apart = one != other
        if not apart.any():
            return least
        least = least.copy()
        np.minimum.at(least, np.maximum(one, other)[apart], np.minimum(one, other)[apart])
        while not np.array_equal(flat := least[least], least):
            least = flat
