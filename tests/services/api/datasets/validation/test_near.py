"""Finding rows of bits that are nearly the same."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.validation.near import MOST_BITS, Hashes, clusters


def flipped(row: Hashes, bits: int, random: np.random.Generator) -> Hashes:
    places = np.unpackbits(row.view(np.uint8))
    places[random.choice(256, bits, replace=False)] ^= 1
    return np.packbits(places).view(np.uint64)


def compared_one_by_one(hashes: Hashes) -> list[int]:
    bits = np.unpackbits((hashes[:, None] ^ hashes[None]).view(np.uint8).reshape(len(hashes), len(hashes), 32), axis=2)
    is_near, least = bits.sum(axis=2) <= MOST_BITS, np.arange(len(hashes))
    for _ in hashes:
        least = np.where(is_near, least[None], len(hashes)).min(axis=1)
    return least.tolist()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), kinds=st.integers(1, 20), most=st.integers(0, 45))
def test_the_same_pairs_are_found_as_by_comparing_all(seed: int, kinds: int, most: int) -> None:
    random = np.random.default_rng(seed)
    kinds_of = random.integers(0, 2**64, (kinds, 4), dtype=np.uint64)
    picks = [(kinds_of[random.integers(kinds)], int(random.integers(0, most + 1))) for _ in range(80)]
    hashes = np.array([flipped(row, bits, random) for row, bits in picks])
    assert clusters(hashes).tolist() == compared_one_by_one(hashes)


def test_the_limit_is_exact() -> None:
    random = np.random.default_rng(0)
    row = random.integers(0, 2**64, 4, dtype=np.uint64)
    inside, outside = flipped(row, MOST_BITS, random), flipped(row, MOST_BITS + 1, random)
    assert clusters(np.array([row, inside])).tolist() == [0, 0]
    assert clusters(np.array([row, outside])).tolist() == [0, 1]


def test_many_that_are_all_alike_do_not_take_for_ever() -> None:
    """Compared in pairs these would be 200 million."""
    random = np.random.default_rng(0)
    row = random.integers(0, 2**64, 4, dtype=np.uint64)
    hashes = np.tile(row, (20_000, 1)) ^ (np.uint64(1) << random.integers(0, 64, (20_000, 4), dtype=np.uint64))
    assert not clusters(hashes).any()


def test_one_row_has_no_neighbours() -> None:
    assert clusters(np.zeros((1, 4), np.uint64)).tolist() == [0]
