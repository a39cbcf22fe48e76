"""`selfsynth run`: a data set through the whole loop, on a named API, the folder's stack, or one started for it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from selfsynth.api_errors import ApiUnavailable
from selfsynth.cli.datasets.adding import add_and_follow
from selfsynth.cli.datasets.findings import report_table, summary
from selfsynth.cli.interrupts import Interrupted, interruptible
from selfsynth.cli.settings_text import parse_settings
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for, command_line, is_named
from selfsynth.cli.terminal import console
from selfsynth.cli.tree import result_line
from selfsynth.cli.up import ModelPath, stack_options
from selfsynth.cli.watch import demand_success, watch_job
from selfsynth.client import Client, demand_ready
from selfsynth.stack import Stack
from selfsynth.stack.lock import is_held
from services.api.datasets import banks
from shared.errors import InvalidInput
from shared.job_settings import resolve

# The user allowed them, so there is no share of all pairs above which they are dropped; the result tells their number.
_FALLBACKS = (
    '{"synthesise": {"fallback": "label_only", "max_fallback_share": 1.0}}',
    '{"select_answers": {"fallback": "label_only", "max_fallback_share": 1.0}}',
)


def run(
    dataset: Annotated[
        str, typer.Option(help="A folder of labelled images, a zip or tar file, or a registered data set's id.")
    ],
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds.")] = 4,
    method: Annotated[str, typer.Option(help="default, or paper for the published choices.")] = "default",
    settings: Annotated[
        list[str] | None, typer.Option(help="step.field=value, or a JSON object; may be repeated.")
    ] = None,
    allow_fallbacks: Annotated[
        bool, typer.Option("--allow-fallbacks", help="Where no answer names the label, teach one that only does.")
    ] = False,
    model: Annotated[str, typer.Option(help="The base model's name.")] = "tiny-birds",
    model_path: ModelPath = None,
    seed: Annotated[int, typer.Option(help="The job's seed.")] = 0,
    name: Annotated[str | None, typer.Option(help="The data set's name; its folder's by default.")] = None,
    concepts: Annotated[Path | None, typer.Option(help="A JSON file with each class's concepts.")] = None,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Read a data set, run a job on it, show how it goes; exit with 1 and the reason if it fails."""
    chosen = parse_settings([*(_FALLBACKS if allow_fallbacks else ()), *(settings or [])])
    resolve(method, chosen)
    bank = banks.read(concepts) if concepts else None
    path = None if _is_registered(dataset) else Path(dataset)
    screen = console()
    with interruptible(), _client(screen, path, model, model_path, url, key, folder) as client:
        found = _read_dataset(screen, client, path, name, bank) if path else _registered(client, dataset, bank)
        job = client.start_job(found["id"], model, rounds, method, seed, chosen)
        screen.print(f"job {job['id']}")
        again = ["--model", model, "--model-path", str(model_path)] if model_path else []
        with resumable(screen, job["id"], folder, again):
            ended = watch_job(client, job["id"], screen)
        demand_success(ended)
        _show_result(screen, ended)
        taken = command_line(folder, "selfsynth", "jobs", "adapter", job["id"], "TARGET")
        screen.print(f"its adapter, while the stack runs: {taken}", soft_wrap=True)


@contextlib.contextmanager
def _client(
    screen: Console,
    path: Path | None,
    model: str,
    model_path: Path | None,
    url: str | None,
    key: str | None,
    folder: Path,
) -> Iterator[Client]:
    """Of the API that is named or runs on the folder; else a stack is started, and stopped on leaving."""
    if is_named(url, key) or is_held(folder):
        with client_for(url, key, folder) as client:
            yield client
        return
    if path and not path.exists():
        raise InvalidInput(f"there is nothing at {path}", remedy="Name a folder of images, or a zip or tar file.")
    # A layout's image paths may lead to folders beside its own.
    options = stack_options(model, model_path, (path.resolve().parent if path else Path.cwd(),))
    screen.print(f"starting a stack in {folder} ...")
    with Stack(folder, options) as stack, Client(stack.url, stack.api_key) as client:
        yield client


def _is_registered(dataset: str) -> bool:
    """Whether it is an id. A folder of that name would win."""
    return dataset.startswith("ds_") and not Path(dataset).exists()


def _registered(client: Client, dataset_id: str, bank: banks.Concepts | None) -> dict[str, Any]:
    if bank:
        client.set_concepts(dataset_id, bank)
    return client.wait_dataset(dataset_id)


def _read_dataset(
    screen: Console, client: Client, path: Path, name: str | None, bank: banks.Concepts | None
) -> dict[str, Any]:
    """Raises ApiError that tells the faults when it cannot be used."""
    found = demand_ready(add_and_follow(client, screen, path, name, bank))
    if found["report"].get("warnings"):
        screen.print(report_table(found["report"]))
    screen.print(summary(found), soft_wrap=True)
    return found


@contextlib.contextmanager
def resumable(screen: Console, job_id: str, folder: Path, model: list[str]) -> Iterator[None]:
    """Tells how to go on with the job where the one who follows it leaves, or its API stays away."""
    try:
        yield
    except (Interrupted, ApiUnavailable):
        up = command_line(folder, "selfsynth", "up", *model)
        wait = command_line(folder, "selfsynth", "jobs", "wait", job_id)
        screen.print(f"\nleft; job {job_id} goes on wherever its stack runs: {up}, {wait}", soft_wrap=True)
        raise


def _show_result(screen: Console, job: dict[str, Any]) -> None:
    # A job that stops early never comes to its last rounds.
    for round_ in (each for each in job["rounds"] if any(step["attempts"] for step in each["steps"])):
        screen.print(result_line(round_))
    screen.print(f"best on validation: round {job['figures']['best_round']}")
