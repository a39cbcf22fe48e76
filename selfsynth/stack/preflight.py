"""What can be known to fail before anything is started: the folder, its disk, the model, the ports."""

import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from selfsynth.stack.ports import free_port, named_port
from selfsynth.stack.programs import LMMS_EVAL_PYTHON, VLLM_PYTHON, StackOptions
from shared.errors import InvalidInput, StoreFull

_PORTS = ("postgres", "valkey", "api", "engine")
_FREE_BYTES = 300 * 1024 * 1024


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner alone. Raises InvalidInput or StoreFull when it cannot hold a stack."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(
            f"the folder {folder} cannot be made: {error.strerror}", remedy="Name another with --folder."
        ) from error
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        raise StoreFull(
            f"the disk of {folder} has {free / 2**20:.0f} MiB left; a stack needs {_FREE_BYTES / 2**20:.0f} MiB",
            remedy="Free space there, or name a folder on another disk with --folder.",
        )


def empty_folder(folder: Path) -> None:
    """What killed processes left in their temporary folder is of no use to anyone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)


def require_installed(options: StackOptions, services: Collection[str]) -> None:
    """What these services will want of this machine. Raises InvalidInput."""
    if "engine" in services:
        require_model(options.model_path)
        if options.engine == "vllm":
            require_vllm(VLLM_PYTHON)
    if "generator" in services and options.benchmark_tasks:
        require_lmms_eval(LMMS_EVAL_PYTHON, options.benchmark_folders)


def require_model(path: Path) -> None:
    if not (path / "config.json").exists():
        raise InvalidInput(
            f"there is no model in {path}: it holds no config.json", remedy="Name the folder of a checkpoint."
        )


def require_vllm(python: Path) -> None:
    if not python.exists():
        raise InvalidInput(
            f"vLLM is not installed: there is no {python}",
            remedy="Run tools/install_vllm.sh cpu (with a GPU: cuda), or take the engine `transformers`.",
        )


def require_lmms_eval(python: Path, folders: Iterable[Path]) -> None:
    if not python.exists():
        raise InvalidInput(
            f"lmms-eval is not installed: there is no {python}",
            remedy="Run tools/install_lmms_eval.sh, or name no benchmarks.",
        )
    for folder in folders:
        if not folder.is_dir():
            raise InvalidInput(f"there is no folder {folder}", remedy="Name existing folders with --benchmark-folder.")


def choose_ports(before: Mapping[str, int], named: int | None) -> dict[str, int]:
    ports: dict[str, int] = {} if named is None else {"api": named_port(named)}
    for name in _PORTS:
        if name not in ports:
            ports[name] = free_port(before.get(name), ports.values())
    return ports
