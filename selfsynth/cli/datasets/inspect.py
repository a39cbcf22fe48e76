"""`selfsynth datasets inspect`: read and judge a folder of labelled images, with no service running."""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from selfsynth.cli.datasets.findings import report_table
from selfsynth.cli.datasets.options import Layout, Option, Policy
from selfsynth.cli.datasets.wishes import page_file, pairs
from selfsynth.cli.interrupts import interruptible
from selfsynth.cli.terminal import console
from services.api.datasets.validation.codes import code_of
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from services.api.datasets.inspect import Inspection

_CLASSES_SHOWN = 40


def inspect(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of labelled images, or a zip or tar file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    layout: Layout = None,
    option: Option = None,
    policy: Policy = "refuse",
    sheet: Annotated[
        Path | None, typer.Option(help="Write images of each class into this JPEG; further pages beside it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the splits and of the sheet.")] = 0,
    processes: Annotated[int, typer.Option(min=0, help="Processes that open images; 0: one a core.")] = 0,
) -> None:
    """Find out the layout, open every image, and say what is wrong; exit with 1 unless the data set may be used."""
    from services.api.datasets.inspect import Wishes
    from services.api.datasets.inspect import inspect as look

    wishes = Wishes(layout=layout, options=pairs(option or []), policy=policy, seed=seed, processes=processes)
    sheets = _Sheets(sheet) if sheet else None
    with interruptible(), _bar() as on_progress:
        found = look(path, wishes, on_progress, sheets)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=1))
    else:
        _show(console(), found, sheets.written if sheets else [])
        console().print(_conclusion(found, _command(path, layout, option or [], policy)), soft_wrap=True)
    if not found.is_usable:
        raise typer.Exit(1)


class _Sheets:
    """Writes the pages of a sheet. Raises InvalidInput where it cannot, at once: looking at all images takes time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.written: list[Path] = []
        if not os.access(file.parent, os.W_OK) or file.is_dir():
            raise InvalidInput(f"{file} cannot be written", remedy="Name a file in a folder that is there.")

    def __call__(self, number: int, page: bytes) -> None:
        self.written.append(page_file(self._file, number))
        self.written[-1].write_bytes(page)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """On standard error, so that standard output holds the result alone."""
    screen = Console(stderr=True)
    columns = (TextColumn("looking at images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _command(path: Path, layout: str | None, options: list[str], policy: str) -> str:
    """What registers the data set as it was inspected."""
    words = ["selfsynth", "datasets", "add", str(path)]
    words += ["--layout", layout] if layout else []
    words += [word for option in options for word in ("--option", option)]
    words += ["--policy", policy] if policy != "refuse" else []
    return shlex.join(words)


def _show(screen: Console, found: "Inspection", sheets: list[Path]) -> None:
    screen.print(Text.assemble((found.listing.layout, "bold"), f": {found.why}"))
    screen.print()
    screen.print(_classes(found))
    screen.print()
    screen.print(report_table(found.verdict.report))
    screen.print()
    for file in sheets:
        screen.print(f"sample sheet: {file}", soft_wrap=True, markup=False)


def _classes(found: "Inspection") -> Table:
    """A row a class; of many the largest and the smallest."""
    table = Table(Column("class", overflow="fold"), box=None, pad_edge=False)
    for name in ("train", "validation", "test", "images"):
        table.add_column(name, justify="right")
    rows = [(label, found.splits(label)) for label in found.listing.labels]
    if len(rows) > _CLASSES_SHOWN:
        rows.sort(key=lambda row: -sum(row[1].values()))
        between = len(rows) - _CLASSES_SHOWN
        half = _CLASSES_SHOWN // 2
        shown = [*rows[:half], (f"... {between} more classes ...", {}), *rows[-half:]]
    else:
        shown = rows
    for label, counts in shown:
        table.add_row(Text(label), *_cells(counts))
    table.add_row(Text(_counted(len(rows), "class", "classes")), *_cells(found.splits()), style="bold")
    return table


def _cells(counts: dict[str, int]) -> list[str]:
    return [*map(str, counts.values()), str(sum(counts.values()))] if counts else []


def _conclusion(found: "Inspection", command: str) -> Text:
    report, left = found.verdict.report, sum(found.splits().values())
    if found.is_usable:
        left_out = f" ({found.images - left} left out)" if left < found.images else ""
        text = f"usable: {left} images{left_out}. Register it: "
        return Text.assemble((text, "bold green"), command)
    text = f"not usable: {_counted(report['errors_total'], 'error', 'errors')}. "
    return Text.assemble((text, "bold red"), _way_out(report))


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _way_out(report: dict[str, Any]) -> str:
    codes = {finding["code"] for finding in report["errors"]}
    if all(code_of(code).skippable for code in codes):
        return "Mend them, or leave the images concerned out with --policy skip."
    return "Mend them and inspect it again."
