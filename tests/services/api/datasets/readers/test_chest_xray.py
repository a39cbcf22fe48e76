"""Chest X-rays: class folders with patients in the names, and NIH's table."""

from collections import Counter
from pathlib import Path

import pytest

from services.api.datasets.layouts import detect, read_listing
from services.api.datasets.readers.chest_xray import patient
from services.api.datasets.splits import with_splits
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import touch, write

HEADER = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age\n"
ROWS = (
    "00000001_000.png,Cardiomegaly,0,1,58\n"
    "00000001_001.png,Cardiomegaly|Emphysema,1,1,58\n"
    "00000002_000.png,No Finding,0,2,81\n"
)


def test_the_sample_is_read_with_its_split_and_patients(test_data: Path) -> None:
    listing = read_listing(test_data / "chest_xray")
    assert Counter((i.split, i.label) for i in listing.items) == {
        ("train", "normal"): 28,
        ("train", "pneumonia"): 28,
        ("test", "normal"): 12,
        ("test", "pneumonia"): 12,
    }
    assert Counter(i.split for i in listing.items if i.group == "00003510") == {"train": 1, "test": 1}
    assert (listing.domain.asks_for, listing.domain.augmentations) == ("condition", ("colour_jitter",))
    assert [(c.label, c.raw) for c in listing.classes] == [("normal", "NORMAL"), ("pneumonia", "PNEUMONIA")]


def test_a_patient_on_both_published_sides_is_not_brought_to_a_third(test_data: Path) -> None:
    drawn = with_splits(read_listing(test_data / "chest_xray").items, 0, validation_share=0.4, test_share=0.2)
    assert {i.split for i in drawn if i.group == "00003510"} == {"train", "test"}
    assert Counter(i.split for i in drawn)["validation"] == 22


@pytest.mark.parametrize(
    ("stem", "group"),
    [
        ("00003510_002", "00003510"),
        ("person12_bacteria_34", "person12"),
        ("BACTERIA-1008087-0001", "1008087"),
        ("IM-0115-0001", "IM-0115"),
        ("NORMAL2-IM-0373-0001", "NORMAL2-IM-0373"),
        ("scan", None),
    ],
)
def test_the_patient_is_in_the_files_name(stem: str, group: str | None) -> None:
    assert patient(stem) == group


def test_folders_without_splits_are_read_too(tmp_path: Path) -> None:
    touch(tmp_path, "NORMAL/a.jpeg", "PNEUMONIA/person1_virus_6.jpeg", "PNEUMONIA/person1_virus_7.jpeg")
    listing = read_listing(tmp_path)
    assert [(i.label, i.group, i.split) for i in listing.items] == [
        ("normal", None, None),
        ("pneumonia", "person1", None),
        ("pneumonia", "person1", None),
    ]


def test_nihs_table_leaves_out_images_of_several_findings_and_says_so(tmp_path: Path) -> None:
    touch(tmp_path, "images_001/images/00000001_000.png")
    listing = read_listing(write(tmp_path, Data_Entry_2017_v2020__csv=HEADER + ROWS))
    assert [(i.id, i.label, i.group, i.split) for i in listing.items] == [
        ("00000001_000.png", "Cardiomegaly", "1", None),
        ("00000002_000.png", "No Finding", "2", None),
    ]
    assert [i.path.is_file() for i in listing.items] == [True, False]
    [finding] = listing.findings
    assert (finding.code, finding.severity) == ("several_labels", "warning")
    assert finding.message.startswith("1 images")


def test_nihs_split_is_kept(tmp_path: Path) -> None:
    write(tmp_path, Data_Entry_2017__csv=HEADER + ROWS, test_list__txt="00000002_000.png\n")
    with pytest.raises(InvalidInput, match="only one of"):
        read_listing(tmp_path)
    write(tmp_path, train_val_list__txt="00000001_000.png\n00000001_001.png\n")
    assert [i.split for i in read_listing(tmp_path).items] == ["train", "test"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("Image Index,Finding Labels\n", r"line 1: the column Patient ID is missing"),
        (HEADER + "x.png,Mass\n", r"line 2: 2 columns instead of 5"),
        (HEADER + ROWS + ROWS, "twice"),
    ],
)
def test_a_wrong_table_is_told(tmp_path: Path, table: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_listing(write(tmp_path, Data_Entry_2017__csv=table))


def test_an_image_on_no_list_is_named(tmp_path: Path) -> None:
    write(tmp_path, Data_Entry_2017__csv=HEADER + ROWS, test_list__txt="a.png\n", train_val_list__txt="b.png\n")
    with pytest.raises(InvalidInput, match=r"line 2: the image '00000001_000\.png' is in none"):
        read_listing(tmp_path)


def test_other_folders_are_no_chest_x_rays(tmp_path: Path) -> None:
    assert detect(touch(tmp_path, "NORMAL/a.jpg", "PNEUMONIA/b.jpg", "COVID/c.jpg")).layout == "class_folders"
