"""The page about validation: its table is true."""

from tools.findings_table import NAME, PAGE, table
from tools.tables import updated


def test_the_documented_findings_are_those_of_the_code() -> None:
    assert updated(PAGE.read_text(), NAME, table()) == PAGE.read_text(), "run: python -m tools.findings_table"
