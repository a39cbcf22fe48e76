"""`selfsynth datasets add`: register a folder of labelled images and see what validation says."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from selfsynth.cli.datasets.adding import add_and_follow
from selfsynth.cli.datasets.findings import report_table, summary
from selfsynth.cli.datasets.options import Layout, Option, Policy
from selfsynth.cli.datasets.wishes import pairs
from selfsynth.cli.interrupts import interruptible
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console
from services.api.datasets import banks


def add(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of labelled images, or a zip or tar file.")],
    name: Annotated[str | None, typer.Option(help="The data set's name; its folder's by default.")] = None,
    kind: Annotated[
        Literal["images", "instructions"],
        typer.Option(help="instructions: general conversations to mix into training (docs/datasets.md)."),
    ] = "images",
    layout: Layout = None,
    option: Option = None,
    policy: Policy = "refuse",
    validation_share: Annotated[float, typer.Option(help="Cut out of train where there is no validation.")] = 0.1,
    test_share: Annotated[float, typer.Option(help="Of images of no split.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Seed of the splits.")] = 0,
    noun: Annotated[
        str | None, typer.Option(help='What one image shows, as in "bird"; the reader\'s by default.')
    ] = None,
    asks_for: Annotated[
        Literal["kind", "condition"] | None, typer.Option(help="What is asked of it; the reader's by default.")
    ] = None,
    concepts: Annotated[Path | None, typer.Option(help="A JSON file with each class's concepts.")] = None,
    upload: Annotated[bool, typer.Option("--upload", help="Send a folder, for an API on another machine.")] = False,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Register a data set, follow its validation, show the report; exit with 1 unless it may be used."""
    bank = banks.read(concepts) if concepts else None
    wishes = {"kind": kind, "layout": layout, "noun": noun, "asks_for": asks_for, "policy": policy}
    shares = {"validation_share": validation_share, "test_share": test_share, "options": pairs(option or [])}
    screen = console()
    with interruptible(), client_for(url, key, folder) as client:
        found = add_and_follow(client, screen, path, name, bank, upload, seed=seed, **wishes, **shares)
        screen.print(report_table(client.dataset_report(found["id"])))
    screen.print(summary(found), soft_wrap=True)
    if found["status"] != "ready":
        raise typer.Exit(1)
