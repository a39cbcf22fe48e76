"""Writes the table of layouts into docs/datasets.md from the registry. `--check` only says whether it is up to date."""

from collections.abc import Mapping
from pathlib import Path

from services.api.datasets.readers.registry import READERS
from tools.tables import write

PAGE = Path(__file__).parent.parent / "docs" / "datasets.md"
NAME = "layouts"


def table() -> str:
    lines = ["| layout | what it looks like | shows, asked for | augmentations | options |", "|---|---|---|---|---|"]
    for reader in READERS.values():
        domain = reader.domain
        lines.append(
            f"| `{reader.layout}` | {reader.looks_like} | {domain.noun}, {domain.asks_for} "
            f"| {', '.join(domain.augmentations).replace('_', ' ')} | {_options(reader.options)} |"
        )
    return "\n".join(lines) + "\n"


def _options(options: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f"`{name}` ({', '.join(values) or 'a column'})" for name, values in options.items())


if __name__ == "__main__":
    write(PAGE, NAME, table(), "tools.layouts_table")
