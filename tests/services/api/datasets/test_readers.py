"""Readers of both layouts."""

import json
from pathlib import Path

import pytest

from services.api.datasets.layouts import read_listing
from shared.errors import InvalidInput
from tests.services.api.pictures import LABELS, class_folders, picture, reference_folder


def test_the_references_layout_is_read_with_splits_and_concepts(tmp_path: Path) -> None:
    listing = read_listing(reference_folder(tmp_path, train=3, test=1))
    assert (listing.layout, listing.labels) == ("reference_json", tuple(sorted(LABELS)))
    assert [item.split for item in listing.items] == ["train"] * 6 + ["test"] * 2
    assert all(item.path.is_file() for item in listing.items)
    assert listing.concepts is not None
    assert listing.concepts["red finch"] == ("red finch wings", "red finch tail")


def test_the_train_json_itself_and_the_folder_above_it_are_accepted_too(tmp_path: Path) -> None:
    folder = reference_folder(tmp_path)
    assert read_listing(folder / "birds-train.json") == read_listing(folder) == read_listing(tmp_path)


def test_image_paths_may_be_relative_to_the_json_itself(tmp_path: Path) -> None:
    picture(tmp_path / "pictures" / "0.png", 0)
    (tmp_path / "x-train.json").write_text(json.dumps([{"id": 0, "img_path": "pictures/0.png", "label": "a"}]))
    assert read_listing(tmp_path).items[0].path == tmp_path / "pictures" / "0.png"


def test_ids_that_count_within_a_split_only_are_made_different(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / f"x-{split}.json").write_text(json.dumps([{"id": 0, "img_path": "0.png", "label": "a"}]))
    assert [item.id for item in read_listing(tmp_path).items] == ["train-0", "test-0"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("{}", "layout"),
        ('[{"id": 0, "label": "a"}]', "img_path"),
        ('[{"id": 0, "img_path": 1}]', "0."),
    ],
)
def test_a_json_that_is_not_as_the_layout_says_names_the_place(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "x-train.json").write_text(content)
    with pytest.raises(InvalidInput, match=r"x-train\.json") as caught:
        read_listing(tmp_path)
    assert says in caught.value.message


def test_two_data_sets_in_a_folder_are_not_guessed_between(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}-train.json").write_text("[]")
    with pytest.raises(InvalidInput, match=r"a-train\.json, b-train\.json"):
        read_listing(tmp_path)


def test_class_folders_are_read_with_and_without_splits(tmp_path: Path) -> None:
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


def test_a_folder_around_the_folder_is_looked_through(tmp_path: Path) -> None:
    class_folders(tmp_path / "birds", per_class=2, splits=("train",))
    assert len(read_listing(tmp_path).items) == 4


@pytest.mark.parametrize("name", ["nothing", "empty", "file.txt"])
def test_a_path_without_a_known_layout_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(InvalidInput, match=name):
        read_listing(tmp_path / name)
