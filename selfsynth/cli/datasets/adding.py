"""Registers what lies at a path and follows its validation: bars on a terminal, a line a tenth elsewhere."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from selfsynth.client import Client, Concepts
from services.api.datasets.archives import is_archive
from shared.errors import InvalidInput

Json = dict[str, Any]


def add_and_follow(
    client: Client,
    screen: Console,
    path: Path,
    name: str | None = None,
    concepts: Concepts | None = None,
    upload: bool = False,
    **wishes: Any,
) -> Json:
    """The validated data set, ready or not. An archive is sent, and with `upload` a folder too; else the API's machine
    reads the path itself."""
    name = name or path.resolve().name
    if upload or is_archive(path):
        added = _send(client, screen, path, name, concepts, wishes)
    else:
        added = client.add_dataset(path.resolve(), name, concepts, **wishes)
    return follow(client, screen, added["id"])


def follow(client: Client, screen: Console, dataset_id: str) -> Json:
    """Until it is validated."""
    columns = (TextColumn("looking at images"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with _bar(screen, *columns) as bar:
        task = bar.add_task("", total=None, rate="")
        tens = -1

        def on_update(dataset: Json) -> None:
            nonlocal tens
            now = dataset.get("progress")
            if not now:
                return
            rate = f"{now['images_per_s']:.0f}/s" if now["images_per_s"] else ""
            bar.update(task, completed=now["done"], total=now["total"] or None, rate=rate)
            if not screen.is_terminal and now["percent"] // 10 > tens:
                tens = now["percent"] // 10
                screen.print(f"{now['done']} of {now['total']} images {rate}".rstrip())

        return client.follow_dataset(dataset_id, on_update)


def _send(client: Client, screen: Console, path: Path, name: str, concepts: Concepts | None, wishes: Json) -> Json:
    if not path.exists():
        raise InvalidInput(f"there is nothing at {path}", remedy="Name a folder of images, or a zip or tar file.")
    if path.is_file() and not is_archive(path):
        raise InvalidInput(f"{path} is no archive", remedy="Name the folder that the images lie in.")
    with _bar(screen, TextColumn(f"sending {path.name}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()) as bar:
        task = bar.add_task("", total=None)

        def on_sent(sent: int, total: int) -> None:
            bar.update(task, completed=sent, total=total)

        return client.upload_dataset(path, name, concepts, on_sent, **wishes)


def _bar(screen: Console, *columns: ProgressColumn) -> Progress:
    return Progress(*columns, TimeRemainingColumn(), console=screen, transient=True, disable=not screen.is_terminal)
