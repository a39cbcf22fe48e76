"""Keeps tables in the docs as the code has them: each stands between two comments that name it."""

import sys
from pathlib import Path


def updated(page: str, name: str, table: str) -> str:
    """The page with the table in its place. Raises ValueError when the page has no such place."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, rest = page.split(begin)
    return before + begin + table + end + rest.split(end)[1]


def write(path: Path, name: str, table: str, module: str) -> None:
    """Writes the page; with `--check` on the command line it only says whether the page is up to date."""
    page = path.read_text()
    new = updated(page, name, table)
    if "--check" in sys.argv:
        sys.exit(0 if new == page else f"{path} is out of date: run python -m {module}")
    path.write_text(new)
