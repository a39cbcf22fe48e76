"""The reference's layout."""

import json
from collections import Counter
from pathlib import Path

import pytest

from services.api.datasets.layouts import read_listing
from shared.errors import InvalidInput
from tests.services.api.pictures import LABELS, picture, reference_folder


def test_splits_and_concepts_are_read(tmp_path: Path) -> None:
    listing = read_listing(reference_folder(tmp_path, train=3, test=1))
    assert (listing.layout, listing.labels) == ("reference_json", tuple(sorted(LABELS)))
    assert [item.split for item in listing.items] == ["train"] * 6 + ["test"] * 2
    assert all(item.path.is_file() for item in listing.items)
    assert listing.concepts is not None
    assert listing.concepts["red finch"] == ("red finch wings", "red finch tail")


@pytest.mark.parametrize(
    ("name", "train", "test", "bank"),
    [("cub-200", 263, 137, 10), ("HAM10000", 210, 70, 7), ("PLD", 240, 80, 0), ("chest-xray", 60, 20, 0)],
)
def test_the_samples_are_read(test_data: Path, name: str, train: int, test: int, bank: int) -> None:
    listing = read_listing(test_data / name)
    assert Counter(item.split for item in listing.items) == {"train": train, "test": test}
    assert set(listing.concepts or ()) == (set(listing.labels) if bank else set())
    assert len(listing.concepts or ()) == bank
    assert all(item.path.is_file() for item in listing.items)


def test_the_train_json_itself_and_the_folder_above_it_are_accepted_too(tmp_path: Path) -> None:
    folder = reference_folder(tmp_path)
    assert read_listing(folder / "birds-train.json") == read_listing(folder) == read_listing(tmp_path)


def test_image_paths_may_be_relative_to_the_json_itself(tmp_path: Path) -> None:
    picture(tmp_path / "pictures" / "0.png", 0)
    (tmp_path / "x-train.json").write_text(json.dumps([{"id": 0, "img_path": "pictures\\0.png", "label": "a"}]))
    assert read_listing(tmp_path).items[0].path == tmp_path / "pictures" / "0.png"


def test_ids_that_count_within_a_split_only_are_made_different(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / f"x-{split}.json").write_text(json.dumps([{"id": 0, "img_path": "0.png", "label": "a"}]))
    assert [item.id for item in read_listing(tmp_path).items] == ["train-0", "test-0"]


def test_an_id_that_is_there_twice_in_a_split_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x-train.json").write_text(json.dumps([{"id": 7, "img_path": "0.png", "label": "a"}] * 2))
    with pytest.raises(InvalidInput, match="lists 'train-7' twice"):
        read_listing(tmp_path)


def test_an_image_without_label_is_told_and_left_out(tmp_path: Path) -> None:
    entries = [{"id": k, "img_path": f"{k}.png", "label": label} for k, label in enumerate(("a", "  ", "b"))]
    (tmp_path / "x-train.json").write_text(json.dumps(entries))
    listing = read_listing(tmp_path)
    assert (listing.labels, [i.id for i in listing.items]) == (("a", "b"), ["0", "2"])
    assert [(f.code, f.file) for f in listing.findings] == [("empty_label", "1.png")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
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
