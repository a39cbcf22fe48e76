from tools.settings_table import NAME, PAGE, table
from tools.tables import updated


def test_the_documented_settings_are_those_of_the_code() -> None:
    assert updated(PAGE.read_text(), NAME, table()) == PAGE.read_text(), "run: python -m tools.settings_table"


def test_the_table_names_nested_fields_and_the_papers_choices() -> None:
    assert "| `select_answers.label_first` | `True` | `False` |" in table()
