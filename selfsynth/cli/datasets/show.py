"""`selfsynth datasets list`: the registered data sets."""

from rich.table import Column, Table

from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console


def list_datasets(url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """All data sets, newest first."""
    table = Table(Column("data set", no_wrap=True), "name", "status", "layout", "classes", "images", box=None)
    with client_for(url, key, folder) as client:
        for each in client.datasets():
            images = sum(each["splits"].values())
            table.add_row(
                each["id"], each["name"], each["status"], each["layout"], str(len(each["classes"])), str(images)
            )
    console().print(table)
