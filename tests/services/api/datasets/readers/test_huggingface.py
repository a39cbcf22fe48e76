"""Local Hugging Face data sets: image folders with metadata, and Parquet files as `datasets` writes them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.api.datasets.layouts import detect, read_listing
from services.api.datasets.opening import read_bytes
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import touch, write

LABEL = {"names": ["blue_wren", "red_finch"], "_type": "ClassLabel"}


def parquet(path: Path, columns: dict[str, Any], features: dict[str, Any] | None = None, rows: int = 2) -> Path:
    """A table with the note that Hugging Face writes into its schema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    note = {b"huggingface": json.dumps({"info": {"features": features}}).encode()} if features else {}
    pq.write_table(pa.table(columns).replace_schema_metadata(note), path, row_group_size=rows)
    return path


def images(count: int, name: str = "x") -> list[dict[str, Any]]:
    return [{"bytes": f"{name} {n}".encode(), "path": f"{n}.png"} for n in range(count)]


def written(root: Path) -> Path:
    features = {"image": {"_type": "Image"}, "label": LABEL}
    parquet(root / "data/train-00000-of-00002.parquet", {"image": images(5, "a"), "label": [0, 1, 1, 0, -1]}, features)
    parquet(root / "data/train-00001-of-00002.parquet", {"image": images(2, "b"), "label": [0, 1]}, features)
    parquet(root / "data/test-00000-of-00001.parquet", {"image": images(2, "c"), "label": [1, 0]}, features)
    return root


def test_parquet_files_are_read_with_class_names_and_splits(tmp_path: Path) -> None:
    listing = read_listing(written(tmp_path))
    assert listing.layout == "huggingface"
    assert [(c.label, c.raw) for c in listing.classes] == [("blue wren", "blue_wren"), ("red finch", "red_finch")]
    assert [(i.id, i.label, i.split) for i in listing.items][:3] == [
        ("data/test-00000-of-00001.parquet#0.0", "red finch", "test"),
        ("data/test-00000-of-00001.parquet#0.1", "blue wren", "test"),
        ("data/train-00000-of-00002.parquet#0.0", "blue wren", "train"),
    ]
    assert listing.items[4].source == "data/train-00000-of-00002.parquet#1.0 (2.png)"


def test_a_label_that_is_unknown_is_told(tmp_path: Path) -> None:
    [finding] = read_listing(written(tmp_path)).findings
    assert (finding.code, finding.file) == ("empty_label", "data/train-00000-of-00002.parquet#2.0 (4.png)")


def test_every_image_has_its_own_bytes(tmp_path: Path) -> None:
    listing = read_listing(written(tmp_path))
    assert [read_bytes(item).decode() for item in listing.items] == [
        *("c 0", "c 1", "a 0", "a 1", "a 2", "a 3", "b 0", "b 1")
    ]


def test_plain_bytes_and_names_need_no_note(tmp_path: Path) -> None:
    parquet(tmp_path / "birds.parquet", {"img": [b"one", b"two"], "species": ["wren", None], "patient": [7, 8]})
    listing = read_listing(tmp_path)
    assert [(i.label, i.group, i.split, read_bytes(i)) for i in listing.items] == [("wren", "7", None, b"one")]


def test_columns_are_known_by_their_kind_where_no_name_tells(tmp_path: Path) -> None:
    features = {"xray": {"_type": "Image"}, "opacity": LABEL}
    parquet(tmp_path / "train.parquet", {"xray": images(2), "opacity": [1, 0]}, features)
    assert [i.label for i in read_listing(tmp_path).items] == ["red finch", "blue wren"]


def test_of_two_kinds_of_labels_one_must_be_chosen(tmp_path: Path) -> None:
    features = {"img": {"_type": "Image"}, "fine": LABEL, "coarse": {"names": ["bird"], "_type": "ClassLabel"}}
    parquet(tmp_path / "train.parquet", {"img": images(2), "fine": [1, 0], "coarse": [0, 0]}, features)
    with pytest.raises(InvalidInput, match="no fit column for label"):
        read_listing(tmp_path, layout="huggingface")
    assert read_listing(tmp_path, "huggingface", {"label": "coarse"}).labels == ("bird",)


def test_rows_that_only_name_files_lead_to_them(tmp_path: Path) -> None:
    touch(tmp_path, "0.png", "1.png")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = pa.array([{"bytes": None, "path": f"{n}.png"} for n in range(2)], kind)
    parquet(tmp_path / "train.parquet", {"image": rows, "label": ["a", "b"]})
    assert [(i.path.name, i.cell) for i in read_listing(tmp_path).items] == [("0.png", None), ("1.png", None)]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_an_image_folder_with_metadata_is_read(tmp_path: Path, name: str) -> None:
    for split in ("train", "test"):
        touch(tmp_path / split, "0.png")
        row = {"file_name": "0.png", "label": "wren"}
        text = json.dumps(row) if name.endswith("l") else "file_name,label\n0.png,wren\n"
        (tmp_path / split / name).write_text(text)
    assert detect(tmp_path).reason == f"train/{name} tells the labels of an image folder"
    assert [(i.source, i.split) for i in read_listing(tmp_path).items] == [
        ("train/0.png", "train"),
        ("test/0.png", "test"),
    ]


def test_metadata_beside_the_images_without_splits_is_read(tmp_path: Path) -> None:
    write(touch(tmp_path, "a/0.png", "b/1.png"), metadata__csv="file_name,label\na/0.png,a\nb/1.png,b\n")
    assert detect(tmp_path).layout == "huggingface", "tables and folders tell the same"
    assert {i.split for i in read_listing(tmp_path).items} == {None}


def test_arrow_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    touch(tmp_path, "dataset_dict.json", "train/data-00000-of-00001.arrow")
    with pytest.raises(InvalidInput, match="save_to_disk") as caught:
        read_listing(tmp_path)
    assert "to_parquet" in caught.value.remedy


@pytest.mark.parametrize(
    ("columns", "features", "says"),
    [
        ({"image": images(2), "label": [0, 7]}, {"label": LABEL}, "there is no class number 7"),
        ({"image": images(2), "label": [[0], [1]]}, None, "no fit column for label"),
        ({"image": ["a.png", "b.png"], "label": [0, 1]}, None, "no fit column for image"),
        ({"image": images(2), "label": [0, 1], "split": ["train", "x"]}, None, "'x' is no split"),
        ({"image": images(2), "label": [0, 1], "id": [4, 4]}, None, "lists '4' twice"),
    ],
)
def test_wrong_columns_are_named(tmp_path: Path, columns: Any, features: Any, says: str) -> None:
    parquet(tmp_path / "train.parquet", columns, features)
    with pytest.raises(InvalidInput, match=says):
        read_listing(tmp_path, layout="huggingface")


def test_files_with_other_classes_are_not_mixed(tmp_path: Path) -> None:
    other = {"names": ["red_finch", "blue_wren"], "_type": "ClassLabel"}
    for name, label in (("train", LABEL), ("test", other)):
        parquet(tmp_path / f"{name}.parquet", {"image": images(1), "label": [0]}, {"label": label})
    with pytest.raises(InvalidInput, match="other classes"):
        read_listing(tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "train.parquet", {"label": ["a", "b"], "image": images(2)})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match=r"train\.parquet is no Parquet file"):
        read_listing(tmp_path, layout="huggingface")
    path.write_bytes(whole[:4] + b"\xff" * 30 + whole[34:])
    with pytest.raises(InvalidInput, match=r"train\.parquet is broken"):
        read_listing(tmp_path)
