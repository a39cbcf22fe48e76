"""`selfsynth report`: what a job came to, on the terminal or into a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console
from shared.errors import InvalidInput


class Format(StrEnum):
    HTML = "html"
    MD = "md"
    JSON = "json"


_FORMATS = {
    "": Format.MD,
    ".md": Format.MD,
    ".markdown": Format.MD,
    ".txt": Format.MD,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".json": Format.JSON,
}


def report(
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")],
    format_: Annotated[
        Format | None, typer.Option("--format", help="As the file's name ends, or else Markdown, by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, to the standard output.")] = None,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Accuracy of each round with its certainty, examples, selection, cost, settings; also of a job that runs."""
    chosen = format_ or _by_name(out)
    with client_for(url, key, folder) as client:
        page = client.report_page(job_id, chosen.value)
    if out is None:
        typer.echo(page.rstrip("\n"))
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    console().print(f"report of {job_id} in {out}", soft_wrap=True, markup=False)


def _by_name(out: Path | None) -> Format:
    """Raises InvalidInput where a file is asked for whose name's end tells of another format."""
    ending = out.suffix.lower() if out else ""
    if ending not in _FORMATS:
        raise InvalidInput(
            f"{out}: reports are not written as {ending}",
            remedy="End the name with .html, .md or .json, or say --format.",
        )
    return _FORMATS[ending]
