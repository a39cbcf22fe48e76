"""`selfsynth datasets report` and `sheet`: what validation found, as a table, JSON or pictures."""

import json
from pathlib import Path
from typing import Annotated

import typer

from selfsynth.cli.datasets.findings import report_table, summary
from selfsynth.cli.datasets.show import DatasetId
from selfsynth.cli.datasets.wishes import page_file
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console
from shared.errors import InvalidInput


def report(
    dataset_id: DatasetId,
    as_json: Annotated[bool, typer.Option("--json", help="Every finding as JSON.")] = False,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """What validation found."""
    screen = console()
    with client_for(url, key, folder) as client:
        found, whole = client.dataset(dataset_id), client.dataset_report(dataset_id)
    if as_json:
        typer.echo(json.dumps(whole, indent=1))
        return
    screen.print(report_table(whole))
    screen.print(summary(found), soft_wrap=True)


def sheet(
    dataset_id: DatasetId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the JPEG goes; further pages beside it.")],
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Sample images of each class, to look at."""
    with client_for(url, key, folder) as client:
        for number, page in enumerate(client.dataset_sheet(dataset_id), 1):
            target = page_file(file, number)
            try:
                target.write_bytes(page)
            except OSError as error:
                raise InvalidInput(
                    f"{target} cannot be written: {error.strerror}", remedy="Name a file in a folder that is there."
                ) from error
            console().print(str(target), soft_wrap=True)
