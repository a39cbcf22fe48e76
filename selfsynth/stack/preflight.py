"""What can be known to fail before anything is started: the folder, its disk, the model, the ports."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from selfsynth.stack.ports import free_port, named_port
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


def choose_ports(before: Mapping[str, int], named: int | None) -> dict[str, int]:
    ports: dict[str, int] = {} if named is None else {"api": named_port(named)}
    for name in _PORTS:
        if name not in ports:
            ports[name] = free_port(before.get(name), ports.values())
    return ports
