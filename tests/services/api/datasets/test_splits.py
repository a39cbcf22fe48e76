"""Drawing splits."""

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.api.datasets.listing import Item
from services.api.datasets.splits import with_splits
from shared.types.records import Split


def items(counts: dict[str, int], split: Split | None = None) -> list[Item]:
    return [Item(f"{c}{i}", Path("x"), c, split, "x") for c, n in counts.items() for i in range(n)]


def test_shares_are_drawn_class_by_class() -> None:
    drawn = with_splits(items({"a": 20, "b": 10}), 0, validation_share=0.125, test_share=0.2)
    assert Counter((i.label, i.split) for i in drawn) == {
        ("a", "train"): 14,
        ("a", "validation"): 2,
        ("a", "test"): 4,
        ("b", "train"): 7,
        ("b", "validation"): 1,
        ("b", "test"): 2,
    }


def test_validation_is_cut_out_of_train_only() -> None:
    given_splits = [*items({"a": 10}, "train"), Item("t", Path("x"), "a", "test", "x")]
    drawn = with_splits(given_splits, 0, validation_share=0.1, test_share=0.2)
    assert Counter(i.split for i in drawn) == {"train": 9, "validation": 1, "test": 1}
    assert drawn[-1].split == "test"


def test_a_validation_split_that_is_there_stays() -> None:
    brought = items({"a": 5}, "train") + items({"b": 5}, "validation")
    assert with_splits(brought, 0, 0.5, 0.5) == tuple(brought)


def test_the_seed_and_not_the_order_decides() -> None:
    some = items({"a": 12})
    once, turned = with_splits(some, 3, 0.2, 0.2), with_splits(some[::-1], 3, 0.2, 0.2)
    assert {i.id: i.split for i in once} == {i.id: i.split for i in turned}
    assert with_splits(some, 4, 0.2, 0.2) != once


@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 30), min_size=1), st.floats(0, 0.99), st.floats(0, 0.99))
def test_every_class_keeps_a_train_item(counts: dict[str, int], validation: float, test: float) -> None:
    drawn = with_splits(items(counts), 0, validation, test)
    assert {i.label for i in drawn if i.split == "train"} == set(counts)
    assert len(drawn) == sum(counts.values())
