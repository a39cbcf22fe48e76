"""Tables of images: CSV of all kinds, and JSON lines."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.layouts import detect, read_listing
from services.api.datasets.readers import rows
from shared.errors import InvalidInput
from tests.services.api.datasets.trees import touch, write

TABLE = "image,label,split,group,id\na.jpg,red_finch,train,p1,1\nb.jpg,blue wren,val,p2,2\nc.jpg,blue wren,TEST,,\n"


def written(root: Path, text: str, name: str = "birds.csv", encoding: str = "utf-8") -> Path:
    touch(root, "a.jpg", "b.jpg", "c.jpg")
    (root / name).write_bytes(text.encode(encoding))
    return root


def test_all_columns_are_read(tmp_path: Path) -> None:
    listing = read_listing(written(tmp_path, TABLE))
    assert [(i.id, i.label, i.split, i.group, i.source) for i in listing.items] == [
        ("1", "red finch", "train", "p1", "a.jpg"),
        ("2", "blue wren", "validation", "p2", "b.jpg"),
        ("c.jpg", "blue wren", "test", None, "c.jpg"),
    ]
    assert listing.classes[1].raw == "red_finch"
    assert all(item.path.is_file() for item in listing.items)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_encodings_and_line_ends_are_found_out(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    text = delimiter.join(("Image Path", "Class Name")) + end + delimiter.join(("a.jpg", "Blässhuhn")) + end
    assert read_listing(written(tmp_path, text, encoding=encoding)).labels == ("Blässhuhn",)


@pytest.mark.parametrize(
    ("image", "label"), [("image", "label"), ("img_path", "class"), ("File-Name", "Species"), ("filepath", "CATEGORY")]
)
def test_columns_have_the_names_that_people_give_them(tmp_path: Path, image: str, label: str) -> None:
    found = detect(written(tmp_path, f"x,{label},{image}\n0,finch,a.jpg\n"))
    assert (found.layout, found.reason) == ("table", f"birds.csv has the columns {image} and {label}")


def test_json_lines_are_read(tmp_path: Path) -> None:
    lines = [{"path": "a.jpg", "label": 3, "group": None}, {"path": "b.jpg", "label": "4", "group": 17}]
    text = "\n\n".join(map(json.dumps, lines))
    listing = read_listing(written(tmp_path, text, "birds.jsonl"))
    assert [(i.label, i.group) for i in listing.items] == [("3", None), ("4", "17")]


def test_a_table_a_split_is_one_data_set(tmp_path: Path) -> None:
    for name, image in (("train.csv", "a.jpg"), ("birds_test.csv", "b.jpg"), ("valid.csv", "c.jpg")):
        written(tmp_path, f"path,label\n{image},finch\n", name)
    assert {i.source: i.split for i in read_listing(tmp_path).items} == {
        "a.jpg": "train",
        "b.jpg": "test",
        "c.jpg": "validation",
    }


def test_a_table_of_something_else_beside_it_is_left_alone(tmp_path: Path) -> None:
    written(tmp_path, "species,weight\nfinch,3\n", "weights.csv")
    assert len(read_listing(written(tmp_path, TABLE)).items) == 3


def test_several_tables_are_not_guessed_between_but_one_can_be_given(tmp_path: Path) -> None:
    written(written(tmp_path, TABLE), TABLE, "more.csv")
    with pytest.raises(InvalidInput, match=r"several tables: birds\.csv, more\.csv"):
        read_listing(tmp_path)
    assert len(read_listing(tmp_path / "more.csv").items) == 3


def test_columns_can_be_chosen(tmp_path: Path) -> None:
    written(tmp_path, "photo,label,genus\na.jpg,red finch,finch\n")
    with pytest.raises(InvalidInput, match="no layout"):
        read_listing(tmp_path)
    options = {"image": "photo", "label": "genus"}
    assert read_listing(tmp_path, layout="table", options=options).labels == ("finch",)
    with pytest.raises(InvalidInput, match="no column 'kind'") as caught:
        read_listing(tmp_path, layout="table", options={"image": "photo", "label": "kind"})
    assert "genus" in caught.value.remedy


@pytest.mark.parametrize("folder", ["images", "train"])
def test_images_may_lie_in_a_folder_beside_the_table(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, f"{folder}/x.jpg")
    write(tmp_path, train__csv="filename,label\nx.jpg,finch\n")
    assert read_listing(tmp_path).items[0].path == tmp_path / folder / "x.jpg"


def test_a_missing_image_is_left_to_the_report_and_a_missing_label_told(tmp_path: Path) -> None:
    listing = read_listing(written(tmp_path, "path,label\na.jpg,finch\ngone.jpg,finch\nb.jpg,\n"))
    assert [i.path.is_file() for i in listing.items] == [True, False]
    assert [(f.code, f.file) for f in listing.findings] == [("empty_label", "b.jpg")]


def test_a_table_that_leads_nowhere_is_held_for_one_only_when_given(tmp_path: Path) -> None:
    write(tmp_path, sources__csv="path,label\nx/y.jpg,finch\n")
    with pytest.raises(InvalidInput, match="no layout"):
        detect(tmp_path)
    assert len(read_listing(tmp_path / "sources.csv").items) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,label\na.jpg,finch\nb.jpg\n", r"birds\.csv, line 3: 1 columns instead of 2"),
        ("path,label\n\na.jpg,finch,x\n", r"birds\.csv, line 3: 3 columns instead of 2"),
        ("path,label\na.jpg,finch\na.jpg,wren\n", r"birds\.csv, line 3: 'a\.jpg' was listed before"),
        ("path,label\na.jpg,finch\n,wren\n", r"birds\.csv, line 3: path is empty"),
        ("path,label,split\na.jpg,finch,holdout\n", r"birds\.csv, line 2: 'holdout' is no split"),
        ("path,label,path\na.jpg,finch,a.jpg\n", r"birds\.csv, line 1: two columns"),
        ('path,label\na.jpg,"finch\n', r"birds\.csv is no readable CSV"),
        ("path,label\na.jpg," + "x" * 200_000 + "\n", r"birds\.csv is no readable CSV"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_listing(written(tmp_path, text))


@pytest.mark.parametrize(("text", "says"), [('{"path": ', "line 2: not JSON"), ("[1]", "line 2: not a JSON object")])
def test_a_bad_json_line_is_named(tmp_path: Path, text: str, says: str) -> None:
    good = json.dumps({"path": "a.jpg", "label": "finch"})
    with pytest.raises(InvalidInput, match=says):
        read_listing(written(tmp_path, f"{good}\n{text}\n", "birds.jsonl"))


def test_bytes_that_are_no_utf8_are_told_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"birds\.csv is not UTF-8"):
        read_listing(written(tmp_path, "path,label\na.jpg,Blässhuhn\n", encoding="cp1252"))


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9).map(str.strip).filter(bool)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str]], delimiter: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("image", "label", "note"), *cells])
    path = tmp_path_factory.mktemp("table") / "x.csv"
    path.write_bytes(text.getvalue().encode())
    assert [tuple(row.values.values()) for row in rows.read(path)] == cells
