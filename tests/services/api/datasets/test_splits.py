"""Drawing splits."""

from collections import Counter, defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.listing import Item
from services.api.datasets.splits import with_splits
from shared.types.records import Split


def items(counts: dict[str, int], split: Split | None = None) -> list[Item]:
    return [Item(f"{c}{i}", Path("x"), c, split, "x") for c, n in counts.items() for i in range(n)]


def grouped(id_: str, label: str, group: str | None, split: Split | None = None) -> Item:
    return Item(id_, Path("x"), label, split, "x", group=group)


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


def test_the_publishers_splits_stay() -> None:
    brought = items({"a": 5}, "train") + items({"b": 5}, "validation") + items({"c": 5}, "test")
    assert with_splits(brought, 0, 0.5, 0.5) == tuple(brought)


def test_a_test_split_is_cut_out_of_train_where_there_is_none() -> None:
    brought = items({"a": 10}, "train") + items({"b": 5}, "validation")
    drawn = with_splits(brought, 0, 0.5, 0.2)
    assert Counter(i.split for i in drawn) == {"train": 8, "test": 2, "validation": 5}
    assert {i.split for i in drawn if i.label == "b"} == {"validation"}


def test_without_shares_all_that_has_no_split_is_train() -> None:
    assert {i.split for i in with_splits(items({"a": 5}), 0, 0, 0)} == {"train"}


def test_what_has_no_split_follows_its_group_or_is_train() -> None:
    listed = [grouped("1", "a", "p", "test"), grouped("2", "a", "p"), grouped("3", "a", "q"), grouped("4", "a", None)]
    assert [i.split for i in with_splits(listed, 0, 0, 0.5)] == ["test", "test", "train", "train"]


def test_a_group_that_the_publisher_has_on_both_sides_is_not_spread_further() -> None:
    listed = [grouped(f"{k}", "a", "p" if k < 8 else f"{k}", "train") for k in range(10)]
    drawn = with_splits([*listed, grouped("t", "a", "p", "test")], 0, 0.5, 0.2)
    assert {i.split for i in drawn if i.group == "p"} == {"train", "test"}
    assert Counter(i.split for i in drawn) == {"train": 8, "validation": 2, "test": 1}


def test_a_class_of_one_group_stays_in_train() -> None:
    drawn = with_splits([grouped(str(k), "a", "p") for k in range(10)], 0, 0.3, 0.3)
    assert {i.split for i in drawn} == {"train"}


def test_the_seed_and_not_the_order_decides() -> None:
    some = items({"a": 12})
    once, turned = with_splits(some, 3, 0.2, 0.2), with_splits(some[::-1], 3, 0.2, 0.2)
    assert {i.id: i.split for i in once} == {i.id: i.split for i in turned}
    assert with_splits(some, 4, 0.2, 0.2) != once


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 30), min_size=1), st.floats(0, 0.99), st.floats(0, 0.99))
def test_every_class_keeps_a_train_item(counts: dict[str, int], validation: float, test: float) -> None:
    drawn = with_splits(items(counts), 0, validation, test)
    assert {i.label for i in drawn if i.split == "train"} == set(counts)
    assert len(drawn) == sum(counts.values())


PATIENTS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), min_size=1, max_size=60)


@settings(deadline=None)
@given(PATIENTS, st.floats(0, 0.9), st.floats(0, 0.9), st.integers(0, 9))
def test_no_group_is_on_two_sides(drawn_from: list[tuple[str, int]], validation: float, test: float, seed: int) -> None:
    listed = [grouped(str(k), label, f"p{p}" if p else None) for k, (label, p) in enumerate(drawn_from)]
    drawn = with_splits(listed, seed, validation, test)
    assert [i.id for i in drawn] == [i.id for i in listed]
    sides: dict[str, set[Split | None]] = defaultdict(set)
    for item in drawn:
        sides[item.group or item.id].add(item.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {i.label for i in drawn if i.split == "train"} == {i.label for i in listed}
    assert with_splits(listed[::-1], seed, validation, test)[::-1] == drawn


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=20, max_size=40), st.sampled_from([0.1, 0.2, 0.3]), st.integers(0, 99))
def test_shares_come_about_with_groups_too(sizes: list[int], share: float, seed: int) -> None:
    """Groups of at most four: the goal is missed by less than half of the largest."""
    listed = [grouped(f"{g}.{k}", "a", str(g)) for g, size in enumerate(sizes) for k in range(size)]
    drawn = with_splits(listed, seed, 0, share)
    assert abs(sum(i.split == "test" for i in drawn) - round(share * len(listed))) <= 2
