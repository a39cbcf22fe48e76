"""The page about data sets: its table and its example are true."""

from pathlib import Path

from services.api.datasets.readers.reader import Reader
from tests.services.api.datasets.trees import write
from tools.layouts_table import NAME, PAGE, table
from tools.tables import updated


def example() -> str:
    return PAGE.read_text().split("```python\n")[1].split("```")[0]


def test_the_documented_layouts_are_those_of_the_registry() -> None:
    assert updated(PAGE.read_text(), NAME, table()) == PAGE.read_text(), "run: python -m tools.layouts_table"


def test_the_example_of_a_reader_reads_in_under_fifty_lines(tmp_path: Path) -> None:
    assert len(example().splitlines()) < 50
    written: dict[str, object] = {}
    exec(compile(example(), "oxford_pets", "exec"), written)
    reader = written["READER"]
    assert isinstance(reader, Reader)
    assert reader.recognise(tmp_path) is None
    lists = {"trainval__txt": "Great_Pyrenees_1 1 1 1\n", "test__txt": "beagle_20 2 1 1\n"}
    write(tmp_path / "annotations", **lists)
    assert reader.recognise(tmp_path) == "annotations holds trainval.txt and test.txt"
    found = reader.read(tmp_path, {}).items
    assert [(item.label, item.split, item.source) for item in found] == [
        ("Great_Pyrenees", "train", "images/Great_Pyrenees_1.jpg"),
        ("beagle", "test", "images/beagle_20.jpg"),
    ]
