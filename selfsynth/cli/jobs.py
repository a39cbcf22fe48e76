"""`selfsynth jobs ...`: look at jobs, wait for them, cancel them, take home what they trained."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from selfsynth.cli.interrupts import interruptible
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, Key, Url, client_for
from selfsynth.cli.terminal import console
from selfsynth.cli.tree import job_tree
from selfsynth.cli.watch import demand_success, watch_job
from shared.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="Look at jobs, wait for them, cancel them, get what they trained.")
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


@app.command("list")
def list_jobs(url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """All jobs, newest first."""
    table = Table(Column("job", no_wrap=True), "status", "model", "round", "step", "created", box=None)
    with client_for(url, key, folder) as client:
        for job in client.jobs():
            position = job["position"] or {}
            round_ = f"{position['round']} of {job['rounds_total']}" if position else ""
            created = job["created_at"][:16].replace("T", " ")
            table.add_row(job["id"], job["status"], job["model"], round_, position.get("step", ""), created)
    console().print(table)


@app.command()
def show(job_id: JobId, url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """One job's rounds and steps."""
    with client_for(url, key, folder) as client:
        job = client.job(job_id)
    console().print(job_tree(job))
    if job.get("error"):
        demand_success(job)


@app.command()
def events(
    job_id: JobId,
    after: Annotated[str | None, typer.Option(help="Only those after this cursor.")] = None,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """What happened to a job, oldest first."""
    screen = console()
    with client_for(url, key, folder) as client:
        for event in client.events(job_id, after):
            where = f"round {event['round']} {event['step']}" if event.get("step") else ""
            screen.print(f"{event['at']}  {event['kind']:<16} {where}  {event.get('message') or ''}", markup=False)


@app.command()
def wait(job_id: JobId, url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """Follow a job until it ends; exit with 1 unless it succeeded."""
    with interruptible(), client_for(url, key, folder) as client:
        demand_success(watch_job(client, job_id, console()))


@app.command()
def adapter(
    job_id: JobId,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The folder that the adapter's files go into.")],
    round_: Annotated[int | None, typer.Option("--round", help="Of that round; the last by default.")] = None,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Take home what a round trained: a LoRA adapter, as peft loads it."""
    _demand_empty(target)
    with client_for(url, key, folder) as client:
        chosen = _last_trained(client.job(job_id)) if round_ is None else round_
        client.download_adapter(job_id, chosen, target)
    console().print(f"adapter of round {chosen} in {target}", soft_wrap=True, markup=False)


def _demand_empty(folder: Path) -> None:
    """Files of two models in one folder would make up a third."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InvalidInput(f"{folder} is there already and no empty folder", remedy="Name a new folder, or empty it.")


def _last_trained(job: Mapping[str, Any]) -> int:
    """The last round of all where none is trained: the API then says so."""
    trained = [round_["round"] for round_ in job["rounds"] if round_["adapter"]]
    return int(max(trained, default=job["rounds_total"]))


class Form(StrEnum):
    ADAPTER = "adapter"
    MERGED = "merged"


class Dtype(StrEnum):
    BASE = "base"
    FLOAT32 = "float32"


@app.command()
def export(
    job_id: JobId,
    out: Annotated[Path, typer.Option(help="The folder that the files go into.")],
    round_: Annotated[
        int | None, typer.Option("--round", help="That round; by default the best on the validation split.")
    ] = None,
    form: Annotated[Form, typer.Option(help="adapter, or merged: a model of its own.")] = Form.ADAPTER,
    dtype: Annotated[Dtype, typer.Option(help="What merged weights are kept in.")] = Dtype.BASE,
    license_: Annotated[str | None, typer.Option("--license", help="For the model card.")] = None,
    url: Url = None,
    key: Key = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Make what a round trained fit to give away, with a model card, and take it home."""
    with interruptible(), client_for(url, key, folder) as client:
        made = client.export(job_id, round_, form.value, dtype=dtype.value, license=license_)
        demand_success(watch_job(client, made["id"], console()))
        files = client.download_export(made["id"], out)
    console().print(f"{len(files)} files in {out}", soft_wrap=True, markup=False)


@app.command()
def cancel(job_id: JobId, url: Url = None, key: Key = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """Ask a job to stop."""
    with client_for(url, key, folder) as client:
        job = client.cancel(job_id)
    console().print(f"job {job['id']} is {job['status']}")
