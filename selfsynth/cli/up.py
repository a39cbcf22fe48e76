"""`selfsynth up`: the stack on this machine, until Ctrl-C."""

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from selfsynth.cli.interrupts import Interrupted, interruptible
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, command_line
from selfsynth.cli.terminal import console
from selfsynth.stack import SERVICES, EngineKind, Stack, StackOptions
from shared.errors import InvalidInput

ModelPath = Annotated[
    Path | None, typer.Option("--model-path", help="The folder of the base model's checkpoint; the demo's by default.")
]
Engine = Annotated[
    EngineKind, typer.Option(help="What answers the generation steps; vllm after tools/install_vllm.sh.")
]
Sleep = Annotated[
    bool,
    typer.Option(
        "--engine-sleep",
        help="On one GPU: vLLM gives its memory free while a job trains whose setting engine_sleeps says so.",
    ),
]
_LOOK_S = 1.0


def up(
    folder: Folder = DEFAULT_FOLDER,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The API's port; a free one by default.")] = None,
    model: Annotated[str, typer.Option(help="The name under which the base model is served.")] = "tiny-birds",
    model_path: ModelPath = None,
    import_root: Annotated[
        list[Path] | None, typer.Option(help="A folder from which data sets may be read; this one by default.")
    ] = None,
    concept_endpoints: Annotated[
        str,
        typer.Option(
            envvar="SELFSYNTH_CONCEPT_ENDPOINTS",
            help='JSON: endpoints that may be asked for concepts, {"name": {"base_url": ..., "key_env": ...}}.',
        ),
    ] = "{}",
    engine: Engine = "transformers",
    engine_sleep: Sleep = False,
    benchmark_task: Annotated[
        list[str] | None,
        typer.Option(help="A task that jobs may ask for, after tools/install_lmms_eval.sh."),
    ] = None,
    benchmark_folder: Annotated[list[Path] | None, typer.Option(help="A folder with more such tasks.")] = None,
    benchmark_hub: Annotated[
        bool, typer.Option("--benchmark-hub", help="Tasks may load their data from the model hub.")
    ] = False,
) -> None:
    """Start database, queue, API, engine and workers in one folder, and keep them running until Ctrl-C."""
    for root in import_root or ():
        if not root.is_dir():
            raise InvalidInput(f"there is no folder {root}", remedy="Name existing folders with --import-root.")
    options = dataclasses.replace(
        stack_options(model, model_path, tuple(import_root or [Path.cwd()]), port),
        concept_endpoints=_endpoints(concept_endpoints),
        engine=engine,
        engine_sleep=engine_sleep,
        benchmark_tasks=tuple(benchmark_task or ()),
        benchmark_folders=tuple(benchmark_folder or ()),
        benchmark_hub=benchmark_hub,
    )
    screen = console()
    try:
        with interruptible(), _announced(screen, Stack(folder, options)) as stack:
            _describe(screen, stack)
            _watch(screen, stack)
    except Interrupted:
        screen.print("stopped")


def stack_options(
    model: str, model_path: Path | None, roots: tuple[Path, ...], port: int | None = None
) -> StackOptions:
    """Raises InvalidInput when a model other than the demo's is named without its checkpoint."""
    ours = StackOptions(port=port, import_roots=roots)
    if model_path is None and model != ours.model_name:
        raise InvalidInput(
            f"the checkpoint of model {model!r} is not named", remedy="Name its folder with --model-path."
        )
    return StackOptions(
        port=port, import_roots=roots, model_name=model, model_path=(model_path or ours.model_path).absolute()
    )


def _endpoints(text: str) -> Mapping[str, Mapping[str, str]]:
    """What is in it the API checks when it starts."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"--concept-endpoints is not JSON: {error}", remedy="See docs/operations.md.") from error
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise InvalidInput("--concept-endpoints holds no endpoints by name", remedy="See docs/operations.md.")
    return found


def _announced(screen: Console, stack: Stack) -> Stack:
    screen.print(f"starting {len(SERVICES) + 2} processes in {stack.folder} ...")
    return stack


def _describe(screen: Console, stack: Stack) -> None:
    screen.print(f"API      {stack.url}   (addresses and bodies: {stack.url}/docs)", soft_wrap=True)
    found_by = command_line(stack.folder, "selfsynth", "jobs", "list")
    screen.print(f"key      keys.api in {stack.folder / 'stack.json'}; commands find it: {found_by}", soft_wrap=True)
    screen.print(f"model    {stack.record.model}")
    screen.print(f"logs     {stack.folder / 'logs'}", soft_wrap=True)
    screen.print("ready; Ctrl-C stops it")


def _watch(screen: Console, stack: Stack) -> None:
    """For ever: tell of every process that died and was started again."""
    seen: Mapping[str, int] = stack.exits()
    while True:
        time.sleep(_LOOK_S)
        now = stack.exits()
        for name in (name for name in now if now[name] != seen[name]):
            screen.print(f"{name} ended and is started again; see {stack.process(name).program.log}", soft_wrap=True)
        seen = now
