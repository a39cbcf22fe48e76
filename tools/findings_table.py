"""Writes the table of findings into docs/validation.md from the code. `--check` only says whether it is up to date."""

from pathlib import Path

from services.api.datasets.validation.codes import OF_IMAGES, OF_SETS, Code
from tools.tables import write

PAGE = Path(__file__).parent.parent / "docs" / "validation.md"
NAME = "findings"


def table() -> str:
    lines = ["| code | what it is | grave? | what to do |", "|---|---|---|---|"]
    for name, code in {**OF_SETS, **OF_IMAGES}.items():
        lines.append(f"| `{name}` | {code.title} | {_gravity(code)} | {code.remedy} |")
    return "\n".join(lines) + "\n"


def _gravity(code: Code) -> str:
    return f"{code.severity}, can be skipped" if code.skippable else code.severity


if __name__ == "__main__":
    write(PAGE, NAME, table(), "tools.findings_table")
