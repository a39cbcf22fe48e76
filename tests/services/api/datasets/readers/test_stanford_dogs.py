"""Stanford Dogs: the sample beside the reference's JSON, and lists that are wrong."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from services.api.datasets.layouts import detect, read_listing
from shared.errors import InvalidInput


def small(root: Path, **lists: list[str]) -> Path:
    files = {"train_list": ["n02085620-Chihuahua/n02085620_1.jpg"], "test_list": ["n02088364-beagle/n02088364_2.jpg"]}
    root.mkdir(parents=True, exist_ok=True)
    for name, entries in (files | lists).items():
        savemat(root / f"{name}.mat", {"file_list": np.array(entries, dtype=object).reshape(-1, 1)})
    return root


def test_the_sample_is_read_as_published_with_its_concept_bank(test_data: Path) -> None:
    """The folder holds the reference's JSON too; a published layout counts before it."""
    folder = test_data / "stanford_dogs"
    assert detect(folder).layout == "stanford_dogs"
    listing = read_listing(folder)
    assert Counter(item.split for item in listing.items) == {"train": 224, "test": 96}
    assert listing.concepts is not None
    assert set(listing.concepts) == set(listing.labels)
    assert (len(listing.classes), listing.findings) == (8, ())
    assert all(item.path.is_file() for item in listing.items)


def test_the_native_lists_and_the_references_json_tell_the_same(test_data: Path) -> None:
    native, reference = (
        read_listing(test_data / "stanford_dogs", layout=n) for n in ("stanford_dogs", "reference_json")
    )
    tables = [{item.path.name: (item.split, item.label) for item in listing.items} for listing in (native, reference)]
    assert tables[0] == tables[1]


def test_lists_beside_the_images_are_found_too(tmp_path: Path) -> None:
    listing = read_listing(small(tmp_path))
    assert [(i.id, i.label, i.split) for i in listing.items] == [
        ("n02085620_1", "Chihuahua", "train"),
        ("n02088364_2", "beagle", "test"),
    ]
    assert listing.items[0].path == tmp_path / "Images/n02085620-Chihuahua/n02085620_1.jpg"
    assert listing.classes[0].raw == "n02085620-Chihuahua"
    assert read_listing(small(tmp_path / "b" / "lists").parent).labels == listing.labels


def test_an_entry_without_a_breed_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"test_list\.mat, line 2: 'n02_3\.jpg'"):
        read_listing(small(tmp_path, test_list=["a/b.jpg", "n02_3.jpg"]))


def test_an_image_on_both_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        read_listing(small(tmp_path, test_list=["n02085620-Chihuahua/n02085620_1.jpg"]))


@pytest.mark.parametrize("body", [b"", b"no matlab", json.dumps({"file_list": []}).encode(), b"\0" * 200])
def test_a_list_that_is_no_mat_file_is_named(tmp_path: Path, body: bytes) -> None:
    (small(tmp_path) / "train_list.mat").write_bytes(body)
    with pytest.raises(InvalidInput, match=r"train_list\.mat has no file_list"):
        read_listing(tmp_path)


def test_a_mat_file_of_something_else_is_named(tmp_path: Path) -> None:
    savemat(small(tmp_path) / "train_list.mat", {"other": np.zeros(3)})
    with pytest.raises(InvalidInput, match=r"train_list\.mat has no file_list"):
        read_listing(tmp_path)
