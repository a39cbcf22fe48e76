"""Writes the tables of docs/capacity.md from tools/capacity. `--check` only says whether they are up to date."""

import sys
from pathlib import Path

from shared.job_settings import JobSettings
from tools.capacity.changes import changes_table
from tools.capacity.page import limits_table, rates_table, scales_table
from tools.capacity.rates import Rates
from tools.tables import updated

PAGE = Path(__file__).parent.parent / "docs" / "capacity.md"


def page(text: str) -> str:
    """The page with all tables in their places."""
    rates = Rates()
    tables = {
        "scales": scales_table(JobSettings(), rates),
        "changes": changes_table(rates),
        "limits": limits_table(rates),
        "rates": rates_table(rates),
    }
    for name, table in tables.items():
        text = updated(text, name, table)
    return text


if __name__ == "__main__":
    before = PAGE.read_text()
    if "--check" in sys.argv:
        sys.exit(0 if page(before) == before else f"{PAGE} is out of date: run python -m tools.capacity_tables")
    PAGE.write_text(page(before))
