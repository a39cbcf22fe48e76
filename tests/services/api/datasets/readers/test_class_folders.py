"""Plain class folders, with and without splits."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.layouts import read_listing
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import touch
from tests.services.api.pictures import class_folders


def test_folders_are_read_with_and_without_splits(tmp_path: Path) -> None:
    flat = read_listing(class_folders(tmp_path / "flat", per_class=2))
    assert {item.split for item in flat.items} == {None}
    split = read_listing(class_folders(tmp_path / "split", per_class=2, splits=("train", "val", "test")))
    assert [item.split for item in split.items] == ["train"] * 4 + ["validation"] * 4 + ["test"] * 4
    assert split.items[0].id == "train/blue wren/0.png"
    assert split.concepts is None


def test_an_empty_class_folder_is_told(tmp_path: Path) -> None:
    folder = class_folders(tmp_path, per_class=2)
    (folder / "green owl").mkdir()
    listing = read_listing(folder)
    assert [(f.code, f.file) for f in listing.findings] == [("empty_class", "green owl")]
    assert "green owl" in listing.labels


def test_a_folder_beside_the_splits_is_told(tmp_path: Path) -> None:
    listing = read_listing(touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/a/3.jpg", "extra/4.jpg"))
    assert [(f.code, f.file, f.severity) for f in listing.findings] == [("folder_ignored", "extra", "warning")]
    assert len(listing.items) == 3


def test_images_lie_at_any_depth_and_hidden_ones_are_none(tmp_path: Path) -> None:
    touch(
        tmp_path, "a/1.jpg", "a/day 2/3.JPEG", "b/4.png", "b/._4.png", "b/notes.txt", ".git/x.png", "__MACOSX/a/1.jpg"
    )
    listing = read_listing(tmp_path)
    assert [item.source for item in listing.items] == ["a/1.jpg", "a/day 2/3.JPEG", "b/4.png"]


def test_names_are_made_readable_and_kept(tmp_path: Path) -> None:
    listing = read_listing(touch(tmp_path, "001.Red_finch/1.jpg", "blue__wren/2.jpg"))
    assert [(c.label, c.raw) for c in listing.classes] == [("Red finch", "001.Red_finch"), ("blue wren", "blue__wren")]
    assert [item.label for item in listing.items] == ["Red finch", "blue wren"]


def test_names_that_read_the_same_stay_as_they_are_with_an_error(tmp_path: Path) -> None:
    listing = read_listing(touch(tmp_path, "red_finch/1.jpg", "red finch/2.jpg", "wren/3.jpg"))
    assert listing.labels == ("red finch", "red_finch", "wren")
    [finding] = listing.findings
    assert (finding.code, finding.severity) == ("labels_alike", "error")
    assert "'red finch', 'red_finch'" in finding.message


def test_one_class_alone_is_no_layout_but_can_be_asked_for(tmp_path: Path) -> None:
    touch(tmp_path, "only/1.jpg")
    with pytest.raises(InvalidInput, match="no layout") as caught:
        read_listing(tmp_path)
    assert "two folders of images" in caught.value.remedy
    assert read_listing(tmp_path, layout="class_folders").labels == ("only",)


NAMES = st.text(st.characters(exclude_characters="/\0.", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
TREES = st.dictionaries(NAMES.filter(lambda name: name.strip()), st.integers(1, 3), min_size=2, max_size=5)


@settings(max_examples=60, deadline=None)
@given(tree=TREES, splits=st.lists(st.sampled_from(["train", "VAL", "test"]), unique=True, max_size=3))
def test_every_image_of_any_tree_is_listed_once(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, int], splits: list[str]
) -> None:
    """Forced to this reader: a tree's names may be another layout's."""
    root = tmp_path_factory.mktemp("tree")
    for split in splits or [""]:
        touch(root, *(f"{split}/{name}/{k}.jpg".lstrip("/") for name, count in tree.items() for k in range(count)))
    listing = read_listing(root, layout="class_folders")
    assert len(listing.items) == sum(tree.values()) * max(len(splits), 1)
    assert len({item.id for item in listing.items}) == len(listing.items)
    assert {item.path for item in listing.items} == set(root.rglob("*.jpg"))
    raw_of = {c.label: c.raw for c in listing.classes}
    assert len(raw_of) == len(tree)
    assert all(raw_of[item.label] == item.path.parent.name for item in listing.items)
