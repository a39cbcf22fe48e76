"""Writes the table of job settings into docs/method.md, from the code. `--check` only says whether it is up to date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.job_settings import PAPER, JobSettings
from tools.tables import write

PAGE = Path(__file__).parent.parent / "docs" / "method.md"
NAME = "settings"


def rows(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """(dotted name, default, what it means) of every field."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from rows(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value, field.description or ""


def paper_choice(dotted: str) -> str:
    choice: Any = PAPER
    for name in dotted.split("."):
        if not isinstance(choice, dict) or name not in choice:
            return ""
        choice = choice[name]
    return f"`{choice}`"


def table() -> str:
    lines = ["| setting | default | `method: paper` | meaning |", "|---|---|---|---|"]
    lines += [f"| `{n}` | `{v}` | {paper_choice(n)} | {meaning} |" for n, v, meaning in rows(JobSettings())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write(PAGE, NAME, table(), "tools.settings_table")
