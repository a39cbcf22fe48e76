"""What the data set commands have in common in reading options and naming files."""

from pathlib import Path

from shared.errors import InvalidInput


def pairs(texts: list[str]) -> dict[str, str]:
    """`["level=family"]` as a dict. Raises InvalidInput."""
    found = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(found) < len(texts):
        raise InvalidInput(
            f"--option {' '.join(texts)} is not of the form NAME=VALUE", remedy="For example level=family."
        )
    return found


def page_file(file: Path, number: int) -> Path:
    """Where a sheet's page goes: the file itself, `file-2`, `file-3` and so on."""
    return file if number == 1 else file.with_stem(f"{file.stem}-{number}")
