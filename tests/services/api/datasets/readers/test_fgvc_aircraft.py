"""FGVC-Aircraft: all 10,000 variants, the families, and lists that are wrong or missing."""

from collections import Counter
from pathlib import Path

import pytest

from services.api.datasets.layouts import detect, read_listing
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import write

SPLITS = {"train": "train", "val": "validation", "test": "test"}


def published(folder: Path, level: str, *splits: str) -> dict[str, tuple[str, str]]:
    lines = [
        (SPLITS[split], line)
        for split in splits
        for line in (folder / f"data/images_{level}_{split}.txt").read_text().splitlines()
    ]
    return {line[:7]: (split, line[8:]) for split, line in lines}


def small(root: Path, **changed: str) -> Path:
    lists = {
        "variants__txt": "707-320\nF-16A/B\n",
        "images_variant_train__txt": "0000001 707-320\n0000002 F-16A/B\n",
        "images_variant_val__txt": "0000003 707-320\n",
        "images_variant_test__txt": "0000004 707-320\n",
    }
    write(root / "data", **(lists | changed))
    return root


def test_all_10000_variants_agree_with_the_published_lists(test_data: Path) -> None:
    folder = test_data / "fgvc-aircraft-2013b"
    listing = read_listing(folder)
    assert {i.id: (i.split, i.label) for i in listing.items} == published(folder, "variant", *SPLITS)
    assert (len(listing.items), len(listing.classes), listing.findings) == (10_000, 100, ())
    assert Counter(i.split for i in listing.items) == {"train": 3334, "validation": 3333, "test": 3333}
    assert {i.crop_bottom_px for i in listing.items} == {20}


def test_families_are_read_where_the_lists_are_and_the_missing_list_is_told(test_data: Path) -> None:
    folder = test_data / "fgvc-aircraft-2013b"
    listing = read_listing(folder, options={"level": "family"})
    assert {i.id: (i.split, i.label) for i in listing.items} == published(folder, "family", "train", "val")
    assert len(listing.classes) == 70
    [finding] = listing.findings
    assert (finding.code, finding.severity) == ("list_missing", "warning")
    assert "images_family_test.txt" in finding.message


def test_a_level_without_lists_is_refused(test_data: Path) -> None:
    with pytest.raises(InvalidInput, match=r"images_manufacturer_train\.txt is missing"):
        read_listing(test_data / "fgvc-aircraft-2013b", options={"level": "manufacturer"})


@pytest.mark.parametrize("options", [{"level": "wing"}, {"colour": "red"}])
def test_an_option_that_there_is_not_is_refused(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="no option") as caught:
        read_listing(small(tmp_path), options=options)
    assert "variant or family or manufacturer" in caught.value.remedy


def test_labels_stay_as_pilots_write_them(tmp_path: Path) -> None:
    listing = read_listing(small(tmp_path))
    assert listing.labels == ("707-320", "F-16A/B")
    assert listing.items[0].path == tmp_path / "data/images/0000001.jpg"


def test_the_data_folder_itself_is_accepted(tmp_path: Path) -> None:
    assert detect(small(tmp_path) / "data").layout == "fgvc_aircraft"
    assert read_listing(tmp_path / "data").items == read_listing(tmp_path).items


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"images_variant_val__txt": "0000003 Zeppelin\n"}, r"images_variant_val\.txt, line 1: 'Zeppelin'"),
        ({"images_variant_test__txt": "0000004\n"}, r"images_variant_test\.txt, line 1: '0000004' should be two words"),
        ({"images_variant_test__txt": "0000001 707-320\n"}, "lists '0000001' twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, changed: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_listing(small(tmp_path, **changed))
