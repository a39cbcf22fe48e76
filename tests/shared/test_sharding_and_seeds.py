from hypothesis import given
from hypothesis import strategies as st

from shared.seeds import derive
from shared.sharding import cut, shard_of


@given(st.integers(0, 200), st.integers(1, 17))
def test_shards_together_are_all_units_in_order_and_evenly_sized(count: int, shards: int) -> None:
    shares = [shard_of(range(count), k, shards) for k in range(shards)]
    assert [unit for share in shares for unit in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(st.integers(0, 100), st.integers(1, 20))
def test_parts_hold_every_unit_once(count: int, per_part: int) -> None:
    assert [unit for part in cut(range(count), per_part) for unit in part] == list(range(count))


def test_seeds_differ_between_samples_and_do_not_run_parts_together() -> None:
    assert derive(1, "a", 23) != derive(1, "a2", 3)
    assert derive(0, 1) == derive(0, 1)
    assert len({derive(7, "example", k) for k in range(1000)}) == 1000
