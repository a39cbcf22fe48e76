"""Finding out which layout a path has."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.layouts import detect, read_listing
from services.api.datasets.readers.registry import READERS
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import touch, write


@pytest.mark.parametrize(
    ("name", "layout", "reason"),
    [
        ("CUB_200_2011", "cub200", "classes.txt"),
        ("fgvc-aircraft-2013b", "fgvc_aircraft", "images_variant_train.txt"),
        ("stanford_dogs", "stanford_dogs", "train_list.mat"),
        ("ham10000", "ham10000", "HAM10000_metadata.csv"),
        ("chest_xray", "chest_xray", "NORMAL"),
        ("pld", "pld", "Apple___"),
        ("PLD", "reference_json", "PLD-train.json"),
    ],
)
def test_each_sample_is_known_with_the_reason(test_data: Path, name: str, layout: str, reason: str) -> None:
    found = detect(test_data / name)
    assert (found.layout, found.place) == (layout, test_data / name)
    assert reason in found.reason


def test_folders_around_the_folder_are_looked_through(tmp_path: Path) -> None:
    touch(tmp_path, "archive/birds/a/1.jpg", "archive/birds/b/2.jpg", "__MACOSX/archive/x.jpg", "readme.txt")
    write(tmp_path, concepts__json='{"A": ["round"]}')
    assert detect(tmp_path).place == tmp_path / "archive" / "birds"
    listing = read_listing(tmp_path)
    assert (len(listing.items), listing.concepts) == (2, {"a": ("round",)})


def test_what_lies_above_the_path_is_never_read(tmp_path: Path) -> None:
    write(tmp_path, concepts__json='{"a": ["round"]}')
    touch(tmp_path, "birds/a/1.jpg", "birds/b/2.jpg")
    assert read_listing(tmp_path / "birds").concepts is None


def test_equals_that_read_the_same_are_not_ambiguous(tmp_path: Path) -> None:
    touch(tmp_path, "red_finch/1.jpg", "wren/2.jpg")
    write(tmp_path, labels__csv="path,label\nred_finch/1.jpg,Red Finch\nwren/2.jpg,wren\n")
    assert detect(tmp_path).layout == "table"


def test_equals_that_read_differently_are_listed(tmp_path: Path) -> None:
    touch(tmp_path, "finch/1.jpg", "wren/2.jpg")
    write(tmp_path, labels__csv="path,label\nfinch/1.jpg,finch\nwren/2.jpg,finch\n")
    with pytest.raises(
        InvalidInput, match=r"table at .*labels\.csv has.*; class_folders at .*finch and wren"
    ) as caught:
        detect(tmp_path)
    assert (caught.value.code, "layout" in caught.value.remedy) == ("ambiguous_layout", True)
    assert read_listing(tmp_path, layout="class_folders").labels == ("finch", "wren")
    assert read_listing(tmp_path, layout="table").labels == ("finch",)


def test_an_equal_that_cannot_be_read_is_told_with_why(tmp_path: Path) -> None:
    touch(tmp_path, "finch/1.jpg", "wren/2.jpg")
    write(tmp_path, labels__csv="path,label\nfinch/1.jpg,finch\nwren/2.jpg\n")
    with pytest.raises(InvalidInput, match=r"could be several.*; labels\.csv, line 3"):
        detect(tmp_path)


def test_names_of_another_encoding_are_made_writable(tmp_path: Path) -> None:
    for name in (b"bl\xe4sshuhn", b"wren"):
        folder = os.fsencode(tmp_path) + b"/" + name
        os.mkdir(folder)
        Path(os.fsdecode(folder), "1.jpg").touch()
    listing = read_listing(tmp_path)
    assert listing.labels == ("bl\ufffdsshuhn", "wren")
    assert all(item.path.is_file() and item.source.encode() for item in listing.items)


@pytest.mark.parametrize("name", ["a\0.png", "a/\0"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "x-train.json").write_text(json.dumps([{"id": 0, "img_path": name, "label": "a"}]))
    with pytest.raises(InvalidInput, match="no file can be called"):
        read_listing(tmp_path)


def test_a_split_or_an_image_more_is_a_difference(tmp_path: Path) -> None:
    touch(tmp_path, "finch/1.jpg", "wren/2.jpg")
    for table in (
        "path,label\nfinch/1.jpg,finch\n",
        "path,label,split\nfinch/1.jpg,finch,train\nwren/2.jpg,wren,test\n",
    ):
        write(tmp_path, labels__csv=table)
        with pytest.raises(InvalidInput, match="could be several"):
            detect(tmp_path)


def test_several_data_sets_side_by_side_are_listed(test_data: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cub200 at .*CUB_200_2011.*; .*ham10000 at") as caught:
        detect(test_data)
    assert "path of one" in caught.value.remedy


@pytest.mark.parametrize("name", ["nothing", "empty", "file.txt"])
def test_a_path_without_a_known_layout_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(InvalidInput, match=name):
        read_listing(tmp_path / name)


def test_a_layout_that_there_is_not_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no layout 'zip'") as caught:
        read_listing(tmp_path, layout="zip")
    assert all(name in caught.value.remedy for name in READERS)


@pytest.mark.parametrize("layout", READERS)
@pytest.mark.parametrize("kind", ["empty", "file", "binary"])
def test_a_reader_asked_for_the_wrong_thing_says_so(tmp_path: Path, layout: str, kind: str) -> None:
    path = tmp_path / "x"
    path.mkdir() if kind == "empty" else path.write_bytes(b"\xff\x00" * 50 if kind == "binary" else b"x")
    with pytest.raises(InvalidInput) as caught:
        read_listing(path, layout=layout)
    assert caught.value.remedy


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "x-train.json").mkdir()
    with pytest.raises(InvalidInput, match=r"x-train\.json cannot be read: Is a directory"):
        read_listing(tmp_path)


def test_every_reader_is_registered_by_its_name_with_a_line_for_the_docs() -> None:
    assert all(name == reader.layout and reader.looks_like for name, reader in READERS.items())
    files = {path.stem for path in Path("services/api/datasets/readers").glob("*.py")}
    assert set(READERS) <= files


def test_a_tree_of_json_names_no_class_twice(tmp_path: Path) -> None:
    entries = [{"id": 0, "img_path": "0.png", "label": "Wren"}, {"id": 1, "img_path": "1.png", "label": "wren"}]
    (tmp_path / "x-train.json").write_text(json.dumps(entries))
    assert [f.code for f in read_listing(tmp_path).findings] == ["labels_alike"]


NAMES = """
images.txt classes.txt image_class_labels.txt train_test_split.txt data/images_variant_train.txt lists/train_list.mat
lists/test_list.mat HAM10000_metadata.csv Data_Entry_2017.csv x-train.json x-test.json concepts.json labels.csv
train.csv metadata.csv train/metadata.jsonl data/train-0.parquet a/1.jpg b/2.jpg train/a/1.jpg train/b/2.jpg val/a/3.jpg
Corn___rust/1.jpg Corn___healthy/2.jpg NORMAL/1.jpg PNEUMONIA/2.jpg
"""
FILES = st.sampled_from(NAMES.split())
TEXTS = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"",
            b"1 1\n2 1\n",
            b"1 a/1.jpg\n2 b/2.jpg\n",
            b"path,label\na/1.jpg,x\nb/2.jpg,y\n",
            b"file_name,label,split\na/1.jpg,a,train\nb/2.jpg,b,\n",
            b"lesion_id,image_id,dx\nL,1,nv\n",
            b"Image Index,Finding Labels,Patient ID\n1.jpg,Mass,7\n",
            b'[{"id": 1, "img_path": "a/1.jpg", "label": "a"}]',
            b'{"a": ["round"]}',
            b'{"file_name": "1.jpg", "label": "a"}\n',
        ]
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(FILES, TEXTS, max_size=7), st.sampled_from([None, *READERS]))
def test_any_folder_is_read_or_refused_with_a_remedy(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes], layout: str | None
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for name, body in tree.items():
        touch(root, name).joinpath(name).write_bytes(body)
    refused: InvalidInput | None = None
    try:
        listing = read_listing(root, layout)
    except InvalidInput as error:
        refused = error
    if refused:
        assert refused.remedy
    else:
        assert listing.items
        assert {item.label for item in listing.items} <= set(listing.labels)
        assert len({item.id for item in listing.items}) == len(listing.items)


def test_an_empty_folder_and_a_single_file_are_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is empty and has no layout"):
        detect(tmp_path)
    (tmp_path / "1.jpg").write_bytes(b"x")
    with pytest.raises(InvalidInput, match="is a file, neither an archive nor a table"):
        detect(tmp_path / "1.jpg")
