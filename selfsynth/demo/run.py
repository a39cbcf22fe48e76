"""`make demo`: draw a world, post a job to the embedded stack (or a named API), watch it, measure it, report."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from selfsynth.cli.watch import watch_job
from selfsynth.client import Client
from selfsynth.demo.figures import RoundFigures
from selfsynth.demo.measuring import FinishedJob
from selfsynth.demo.report import Report, rounds_table, write_page
from selfsynth.demo.settings import JOB, ROUNDS, control_settings
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.demo.world.drawn import WORLDS
from selfsynth.stack import EngineKind, Stack, StackOptions
from shared.errors import SystemFault

_WIDTH = 120
_MODEL = "tiny-birds"
# Steps of a model this small are shorter on one core than two cores need to meet (58 against 100 ms).
_ENV = {
    "trainer": {"SELFSYNTH_TRAINER_THREADS": "1", "OMP_NUM_THREADS": "1"},
    # vLLM computes every adapter as wide as the widest that it may get.
    "engine": {"SELFSYNTH_ENGINE_MAX_LORA_RANK": str(JOB["train"]["lora_rank"])},
}


def main(
    folder: Path,
    seed: int,
    control: bool,
    engine: EngineKind = "transformers",
    world_name: str = "easy",
    api: Client | None = None,
) -> Report:
    """Run the demo in `folder`; the report is in `folder/report.html` and `report.json`. `world_name` is in WORLDS.
    Without an `api`, which must serve the demo's model, a stack is started for it.

    Raises SystemFault when the job did not succeed, with its cause.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    began = time.monotonic()
    folder = folder.absolute()
    drawn = WORLDS[world_name]
    world = folder / f"world-{drawn.name}-{seed}"
    write_dataset(world, seed, world=drawn)
    name = f"birds-{drawn.name}-{seed}"
    with api or _stack(folder, world, engine) as client:
        console.print(f"everything it makes is in {folder}")
        added = client.upload_dataset(world, name) if api else client.add_dataset(world, name)
        dataset = client.wait_dataset(added["id"])
        job = _run(client, console, dataset["id"], JOB, seed)
        seconds = time.monotonic() - began
        finished = FinishedJob(client, job, world)
        controls: tuple[RoundFigures, ...] = ()
        if control:
            console.print("Control: the same, trained on labels only")
            labels_only = _run(client, console, dataset["id"], control_settings(), seed)
            controls = FinishedJob(client, labels_only, world).rounds()
        report = Report(
            rounds=finished.rounds(),
            control=controls,
            examples=finished.examples(3),
            selection=finished.selection(),
            seconds_total=seconds,
            seed=seed,
            engine=engine,
            best_round=job["figures"]["best_round"],
        )
    _tell(console, report, write_page(report, folder), len(drawn.species))
    return report


@contextmanager
def _stack(folder: Path, world: Path, engine: EngineKind) -> Iterator[Client]:
    options = StackOptions(model_name=_MODEL, import_roots=(world,), engine=engine)
    with Stack(folder / "stack", options, env=_ENV) as stack, Client(stack.url, stack.api_key) as client:
        yield client


def _run(client: Client, console: Console, dataset: str, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    job = client.start_job(dataset=dataset, model=_MODEL, rounds=ROUNDS, seed=seed, settings=settings)
    job = watch_job(client, job["id"], console)
    if job["status"] != "succeeded":
        error = job["error"] or {"message": f"the job {job['status']}", "remedy": "See the logs."}
        raise SystemFault(f"the demo's job ended {job['status']}: {error['message']}", remedy=error["remedy"])
    return job


def _tell(console: Console, report: Report, page: Path, species: int) -> None:
    console.print(rounds_table(report.rounds, f"{species} species that the base model cannot name"))
    if report.control:
        console.print(rounds_table(report.control, "Control: trained on labels only"))
    for example in report.examples:
        console.print(
            f"\n[bold]{example.label}[/bold]  hidden: {', '.join(example.hidden) or 'nothing'}  {example.image}"
        )
        console.print(f"  base   {example.base_answer}")
        console.print(f"  final  {example.final_answer}")
    console.print(f"\n{report.seconds_total:.0f} s in all. Report: {page}")
