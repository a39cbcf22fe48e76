"""Plant leaf diseases."""

from collections import Counter
from pathlib import Path

from services.api.datasets.layouts import detect, read_listing
from services.api.datasets.splits import with_splits
from tests.services.api.datasets.trees import touch, write


def test_the_sample_is_read_healthy_leaves_too(test_data: Path) -> None:
    listing = read_listing(test_data / "pld")
    assert set(Counter(i.label for i in listing.items).values()) == {40}
    assert set(listing.labels) == set(read_listing(test_data / "PLD").labels)
    assert {i.split for i in listing.items} == {None}
    assert (listing.domain.noun, listing.domain.asks_for) == ("leaf", "condition")


def test_a_split_is_drawn_class_by_class(test_data: Path) -> None:
    drawn = with_splits(read_listing(test_data / "pld").items, 0, validation_share=0.1, test_share=0.2)
    assert set(Counter((i.label, i.split) for i in drawn).values()) == {29, 3, 8}


def test_plant_and_condition_are_told_apart(tmp_path: Path) -> None:
    touch(tmp_path, "color/Pepper,_bell___Bacterial_spot/a.JPG", "color/Tomato___healthy/b.JPG")
    touch(tmp_path, "color/Background_without_leaves/c.JPG")
    listing = read_listing(tmp_path)
    assert listing.labels == ("Background without leaves", "Pepper, bell: Bacterial spot", "Tomato: healthy")
    assert listing.classes[2].raw == "Tomato___healthy"


def test_split_folders_are_kept(tmp_path: Path) -> None:
    touch(tmp_path, "train/Corn___healthy/a.jpg", "valid/Corn___healthy/b.jpg", "test/Corn___healthy/c.jpg")
    listing = read_listing(tmp_path)
    assert [i.split for i in listing.items] == ["train", "validation", "test"]
    assert listing.items[0].source == "train/Corn___healthy/a.jpg"


def test_a_bank_by_the_folders_names_is_matched(tmp_path: Path) -> None:
    touch(tmp_path, "Images/Corn___healthy/a.jpg", "Images/Corn___Common_rust/b.jpg")
    write(tmp_path, concepts__json='{"Corn___healthy": ["even green"], "corn: common rust": ["brown pustules"]}')
    assert read_listing(tmp_path).concepts == {
        "Corn: healthy": ("even green",),
        "Corn: Common rust": ("brown pustules",),
    }


def test_an_empty_class_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "Images/Corn___healthy/a.jpg", "Images/Corn___rust/readme.txt")
    assert detect(tmp_path).layout == "pld"
    assert [(f.code, f.file) for f in read_listing(tmp_path).findings] == [("empty_class", "Images/Corn___rust")]
