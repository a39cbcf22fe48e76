"""`selfsynth datasets list` and `show`: the registered data sets."""

from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console

DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="The data set's id.")]
_CLASSES_SHOWN = 20


def list_datasets(url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """All data sets, newest first."""
    table = Table(Column("data set", no_wrap=True), "name", "status", "layout", "classes", "images", box=None)
    with client_for(url, key, folder) as client:
        for each in client.datasets():
            images = sum(each["splits"].values())
            row = each["id"], each["name"], each["status"], each["layout"], str(len(each["classes"])), str(images)
            table.add_row(*(Text(cell or "") for cell in row))
    console().print(table)


def show(dataset_id: DatasetId, url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """One data set: what it shows, its classes, splits and concept bank."""
    with client_for(url, key, folder) as client:
        found = client.dataset(dataset_id)
    table = Table(Column(style="dim"), Column(), box=None, show_header=False)
    for name, value in _facts(found):
        table.add_row(name, Text(value))
    console().print(table)


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    report, bank, domain, progress = (found[key] for key in ("report", "concept_bank", "domain", "progress"))
    names = [_class(each) for each in found["class_names"]]
    return [
        ("data set", found["id"]),
        ("name", found["name"]),
        ("status", found["status"] + (f", {progress['percent']:.0f}%" if progress else "")),
        ("source", ", ".join(f"{kind} {where}" for kind, where in found["source"].items())),
        ("layout", found["layout"] or ""),
        ("shows", f"{domain['noun']}, asked for its {domain['asks_for']}" if domain else ""),
        ("images", ", ".join(f"{count} {split}" for split, count in found["splits"].items())),
        (
            "classes",
            f"{len(names)}: {', '.join(names[:_CLASSES_SHOWN])}{', ...' if len(names) > _CLASSES_SHOWN else ''}",
        ),
        ("concepts", f"{sum(bank['concepts'].values())}, version {bank['version']}" if bank else "no concept bank"),
        (
            "findings",
            ", ".join(f"{report.get(f'{kind}_total', len(report[kind]))} {kind}" for kind in ("errors", "warnings")),
        ),
    ]


def _class(name: dict[str, Any]) -> str:
    return f"{name['label']} ({', '.join(name['aliases'])})" if name["aliases"] else str(name["label"])
