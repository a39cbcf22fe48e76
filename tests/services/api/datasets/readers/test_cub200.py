"""CUB-200-2011: the sample, the whole official lists, and lists that are wrong."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from services.api.datasets.layouts import detect, read_listing
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import write


def small(root: Path, **changed: str) -> Path:
    lists = {
        "images__txt": "1 001.Black_footed_Albatross/a.jpg\n2 002.Wren/b.jpg\n",
        "image_class_labels__txt": "1 1\n2 2\n",
        "train_test_split__txt": "1 1\n2 0\n",
        "classes__txt": "1 001.Black_footed_Albatross\n2 002.Wren\n",
    }
    return write(root, **(lists | changed))


def column(path: Path) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in path.read_text().splitlines())


def test_the_lists_are_put_together(tmp_path: Path) -> None:
    listing = read_listing(small(tmp_path))
    assert (listing.layout, listing.domain.noun) == ("cub200", "bird")
    assert [(c.label, c.raw) for c in listing.classes] == [
        ("Black footed Albatross", "001.Black_footed_Albatross"),
        ("Wren", "002.Wren"),
    ]
    first, second = listing.items
    assert (first.id, first.split, first.source) == ("1", "train", "images/001.Black_footed_Albatross/a.jpg")
    assert (second.label, second.split, second.path) == ("Wren", "test", tmp_path / "images/002.Wren/b.jpg")


def test_the_sample_is_read_with_its_split(test_data: Path) -> None:
    listing = read_listing(test_data / "CUB_200_2011")
    assert Counter(item.split for item in listing.items) == {"train": 263, "test": 137}
    assert (len(listing.classes), listing.findings) == (10, ())
    assert all(item.path.is_file() for item in listing.items)


def test_all_11788_labels_and_splits_agree_with_the_published_lists(test_data: Path, tmp_path: Path) -> None:
    shutil.copytree(
        test_data / "metadata" / "CUB_200_2011", tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile
    )
    labels, names = column(tmp_path / "image_class_labels.txt"), column(tmp_path / "classes.txt")
    train = column(tmp_path / "train_test_split.txt")
    (tmp_path / "images.txt").write_text("".join(f"{id_} {names[k]}/{id_}.jpg\n" for id_, k in labels.items()))
    listing = read_listing(tmp_path)
    raw_of = {c.label: c.raw for c in listing.classes}
    assert (len(listing.items), len(raw_of)) == (11_788, 200)
    assert {item.id: raw_of[item.label] for item in listing.items} == {i: names[k] for i, k in labels.items()}
    assert {item.id for item in listing.items if item.split == "train"} == {
        i for i, side in train.items() if side == "1"
    }
    assert Counter(item.split for item in listing.items) == {"train": 5994, "test": 5794}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"images__txt": "1 a/a.jpg\n2\n"}, r"images\.txt, line 2: '2' should be two words"),
        ({"images__txt": "1 a/a.jpg\n1 b/b.jpg\n"}, r"images\.txt, line 2: 1 is there twice"),
        ({"images__txt": "1 a/a.jpg\n"}, r"images\.txt, line 1: ends without image 2"),
        ({"images__txt": "1 a/a.jpg\n2 b/b.jpg\n3 c/c.jpg\n"}, r"images\.txt, line 3: image 3 has no class"),
        ({"image_class_labels__txt": "1 1\n\n2 7\n"}, r"image_class_labels\.txt, line 3: '7' is not one of the 2"),
        ({"train_test_split__txt": "1 1\n2 x\n"}, r"train_test_split\.txt, line 2: 'x'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, changed: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_listing(small(tmp_path, **changed))


def test_a_missing_list_is_named_when_the_layout_was_asked_for(tmp_path: Path) -> None:
    (small(tmp_path) / "train_test_split.txt").unlink()
    with pytest.raises(InvalidInput, match=r"train_test_split\.txt is missing"):
        read_listing(tmp_path, layout="cub200")
    with pytest.raises(InvalidInput, match="no layout"):
        detect(tmp_path)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (small(tmp_path) / "classes.txt").write_bytes(b"1 \xff\xfe\n")
    with pytest.raises(InvalidInput, match=r"classes\.txt is not UTF-8"):
        read_listing(tmp_path)
