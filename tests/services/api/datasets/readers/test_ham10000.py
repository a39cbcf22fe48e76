"""HAM10000: the sample, all 10,015 rows, lesions kept together, and tables that are wrong."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from services.api.datasets.layouts import read_listing
from services.api.datasets.splits import with_splits
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import touch, write

HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"


def small(root: Path, rows: str, header: str = HEADER) -> Path:
    touch(root, "HAM10000_images_part_1/ISIC_1.jpg", "HAM10000_images_part_2/ISIC_2.jpg")
    return write(root, HAM10000_metadata__csv=header + rows)


def test_images_of_both_folders_are_found(tmp_path: Path) -> None:
    listing = read_listing(
        small(tmp_path, "L1,ISIC_1,akiec,x,1,male,back\nL2,ISIC_2,nv,x,1,male,back\nL2,ISIC_3,nv,x,,,\n")
    )
    assert [(i.id, i.label, i.group, i.split) for i in listing.items] == [
        ("ISIC_1", "actinic keratoses", "L1", None),
        ("ISIC_2", "melanocytic nevi", "L2", None),
        ("ISIC_3", "melanocytic nevi", "L2", None),
    ]
    assert [i.path.is_file() for i in listing.items] == [True, True, False]
    assert listing.items[1].source == "HAM10000_images_part_2/ISIC_2.jpg"
    assert (listing.classes[0].raw, listing.classes[0].aliases[0]) == ("akiec", "akiec")
    assert "flip_vertical" in listing.domain.augmentations


def test_the_sample_is_read_with_full_names(test_data: Path) -> None:
    listing = read_listing(test_data / "ham10000")
    assert (len(listing.items), len(listing.classes), listing.findings) == (280, 7, ())
    assert set(listing.labels) == set(read_listing(test_data / "HAM10000").labels)
    assert all(item.path.is_file() for item in listing.items)


def test_all_10015_rows_agree_and_no_lesion_is_on_two_sides(test_data: Path) -> None:
    listing = read_listing(test_data / "metadata")
    with (test_data / "metadata" / "HAM10000_metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    raw_of = {c.label: c.raw for c in listing.classes}
    assert len(rows) == 10_015
    assert [(i.group, i.id, raw_of[i.label]) for i in listing.items] == [
        (r["lesion_id"], r["image_id"], r["dx"]) for r in rows
    ]
    drawn = with_splits(listing.items, 0, validation_share=0.1, test_share=0.2)
    sides = defaultdict(set)
    for item in drawn:
        sides[item.group].add(item.split)
    assert len(sides) == 7470
    assert all(len(splits) == 1 for splits in sides.values())
    tested, whole = Counter(i.label for i in drawn if i.split == "test"), Counter(i.label for i in drawn)
    assert all(abs(tested[label] - 0.2 * whole[label]) <= 3 for label in whole)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            "L1,ISIC_1,nv,x,1,male,back\nL1,ISIC_1,nv,x,1,male,back\n",
            r"line 3: the image_id 'ISIC_1' is empty or there",
        ),
        ("L1,ISIC_1,flu,x,1,male,back\n", "line 2: the diagnosis 'flu'"),
        ("L1,ISIC_1,nv\n", "line 2: 3 columns instead of 7"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=rf"HAM10000_metadata\.csv, {says}"):
        read_listing(small(tmp_path, rows))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the column dx is missing"):
        read_listing(small(tmp_path, "L1,ISIC_1\n", header="lesion_id,image_id\n"))


def test_without_the_table_the_layout_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no HAM10000_metadata\.csv"):
        read_listing(tmp_path, layout="ham10000")
