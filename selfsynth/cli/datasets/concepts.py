"""`selfsynth datasets concepts ...`: look at a concept bank, give one, have one built, edit it."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import click
import typer
from rich.console import Console

from selfsynth.api_errors import ApiError
from selfsynth.cli.datasets.concept_table import bank_table, removed_table, summary_lines
from selfsynth.cli.datasets.show import DatasetId
from selfsynth.cli.interrupts import interruptible
from selfsynth.cli.settings_text import parse_settings
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console
from selfsynth.cli.watch import demand_success, watch_job
from shared.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="Look at a concept bank, give one, have one built, edit it.")
Json = dict[str, Any]


@app.command()
def show(
    dataset_id: DatasetId,
    version: Annotated[int | None, typer.Option(help="That version; the newest by default.")] = None,
    label: Annotated[str | None, typer.Option("--class", help="Only that class.")] = None,
    removed: Annotated[bool, typer.Option("--removed", help="What was taken out, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """The concepts of each class, and where each came from."""
    with client_for(url, key, folder) as client:
        bank = client.concepts(dataset_id, version)
    if as_json:
        typer.echo(json.dumps(bank, indent=1, ensure_ascii=False))
        return
    if label is not None and label not in bank["concepts"]:
        raise InvalidInput(
            f"the bank has no class {label!r}", remedy=f"It has: {', '.join(list(bank['concepts'])[:10])}, ..."
        )
    screen = console()
    screen.print(removed_table(bank, label) if removed else bank_table(bank, label))
    _print_lines(screen, bank)


@app.command("versions")
def versions(dataset_id: DatasetId, url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """Every version, newest first."""
    with client_for(url, key, folder) as client:
        for each in client.concept_versions(dataset_id):
            total = sum(each["counts"].values())
            made = f"{each['made'].get('source', '')} {each['made'].get('job', '')}".strip()
            at = each["created_at"][:16].replace("T", " ")
            console().print(f"{each['version']:>4}  {at}  {total:>6} concepts  {made}", markup=False)


@app.command("set")
def set_(
    dataset_id: DatasetId,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON: concepts by class, or the reference's _visual_features.json.")
    ],
    as_it_is: Annotated[bool, typer.Option("--as-it-is", help="Take nothing out, repeats aside.")] = False,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Make a file the bank's next version."""
    concepts = _read(file)
    with client_for(url, key, folder) as client:
        bank = client.set_concepts(dataset_id, concepts, name=file.name, clean=not as_it_is)
    _print_lines(console(), bank)


@app.command()
def build(
    dataset_id: DatasetId,
    own: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Let this served model look at train images.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Ask this model of an endpoint.")] = None,
    base_url: Annotated[str | None, typer.Option(help="The endpoint, with its /v1.")] = None,
    secret: Annotated[str | None, typer.Option(help="The name of the endpoint's key in the API's settings.")] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Only clean the newest bank.")] = False,
    classes: Annotated[list[str] | None, typer.Option("--class", help="Only that class; may be repeated.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option(help="ask.concepts=8, view.images=6, clean.at_most=20, ...; may be repeated.")
    ] = None,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Have a model name concepts for each class, clean them, and make them the next version."""
    request = _build_request(own, model, base_url, secret, clean)
    request |= {"labels": classes} if classes else {}
    request |= parse_settings(settings or [])
    screen = console()
    with interruptible(), client_for(url, key, folder) as client:
        job = client.build_concepts(dataset_id, **request)
        screen.print(f"job {job['id']}")
        demand_success(watch_job(client, job["id"], screen))
        _print_lines(screen, client.concepts(dataset_id))


@app.command()
def edit(
    dataset_id: DatasetId,
    file: Annotated[Path | None, typer.Option(help="A file of an earlier edit that was refused.")] = None,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Open the newest bank in $EDITOR, and make what is saved the next version."""
    with client_for(url, key, folder) as client:
        if file is None:
            bank = client.concepts(dataset_id)
            file = _written(dataset_id, bank)
            if not _opened(dataset_id, file):
                file.unlink()
                console().print("nothing was changed")
                return
        edited = _read(file)
        if not isinstance(edited.get("concepts"), dict) or not isinstance(edited.get("base_version"), int):
            raise InvalidInput(f"{file} lacks base_version or concepts", remedy=_again(dataset_id, file))
        try:
            made = client.edit_concepts(dataset_id, edited["concepts"], edited["base_version"])
        except ApiError as error:
            error.remedy = f"{error.remedy} {_again(dataset_id, file)}"
            raise
    file.unlink()
    _print_lines(console(), made)


def _build_request(
    own: str | None, model: str | None, base_url: str | None, secret: str | None, clean: bool
) -> dict[str, Any]:
    ways = [own is not None, model is not None, clean]
    if sum(ways) != 1:
        raise InvalidInput(
            "it is not clear who is to name the concepts",
            remedy="Give one of: --own MODEL; --model with --base-url or --secret; --clean.",
        )
    if own is not None:
        return {"source": "own", "model": own}
    if clean:
        return {"source": "newest"}
    named = {"base_url": base_url, "secret": secret}
    return {"source": "endpoint", "model": model, **{name: value for name, value in named.items() if value}}


def _written(dataset_id: str, bank: Json) -> Path:
    """The bank in a file of this folder, which stays if the edit is refused."""
    concepts = {label: [each["concept"] for each in of] for label, of in bank["concepts"].items()}
    body = json.dumps({"base_version": bank["version"], "concepts": concepts}, indent=1, ensure_ascii=False)
    path = Path(f"concepts-{dataset_id}-v{bank['version']}-{os.getpid()}.json")
    path.write_text(body + "\n")
    return path


def _opened(dataset_id: str, file: Path) -> bool:
    """In the editor until that is left; whether the file was changed. Raises InvalidInput."""
    before = file.read_bytes()
    try:
        click.edit(filename=str(file), require_save=False)
    except (click.ClickException, ValueError) as error:
        remedy = "Set EDITOR to one that does, or give a file with `selfsynth datasets concepts set`."
        if file.read_bytes() != before:
            remedy = _again(dataset_id, file)
        else:
            file.unlink()
        raise InvalidInput(f"the editor does not work: {error}", remedy=remedy) from error
    return file.read_bytes() != before


def _again(dataset_id: str, file: Path) -> str:
    return f"Your edit is in {file}; when it is mended: `selfsynth datasets concepts edit {dataset_id} --file {file}`."


def _read(file: Path) -> Json:
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", remedy="Name a JSON file.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} is not JSON: {error}", remedy="Mend it and give it again.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{file} holds no JSON object", remedy='Write {"class": ["a visible feature", ...], ...}.')
    return found


def _print_lines(screen: Console, bank: Json) -> None:
    for style, line in summary_lines(bank):
        screen.print(line, style=style, markup=False)
