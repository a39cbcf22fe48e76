"""Base weights on a volume: filled once by one process, awaited and read by many. Knows files, no model's content.

`python -m shared.base_weights fill` copies `SELFSYNTH_WEIGHTS_SOURCE` into `SELFSYNTH_WEIGHTS_FOLDER` and ends;
`... wait` ends when that was done. Services themselves never ask a model hub: they run with `HF_HUB_OFFLINE=1`.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from pathlib import Path

import structlog
from pydantic import Field, ValidationError

from shared.errors import InvalidInput, SelfSynthError, SystemFault
from shared.logs import configure
from shared.objects import open_store
from shared.settings import ProcessSettings

log = structlog.get_logger(__name__)

MARK = ".complete"
_HUB = "hub:"
_STORES = ("s3://", "file://")
_NEEDED = ("config.json", "*.safetensors")
_INDEX = "*.safetensors.index.json"
_LOOK_S = 1.0


class WeightsSettings(ProcessSettings):
    """`weights_source` is a local folder, `s3://bucket/prefix`, or `hub:ORGANISATION/NAME@REVISION`."""

    weights_folder: Path
    weights_source: str = ""
    weights_wait_s: float = Field(3600, gt=0)
    store_options: dict[str, str] = Field(default_factory=dict)


def fill(source: str, folder: Path, options: dict[str, str] | None = None) -> None:
    """Copy `source` into `folder`. One that was filled from it is left alone, one that was interrupted is gone on with.

    Raises InvalidInput when the folder holds another source's weights, or the source no weights.
    """
    mark = folder / MARK
    if mark.exists():
        _check_same(mark.read_text().strip(), source, folder)
        return
    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    _copy(source, partial, options)
    missing = _lacking(partial)
    if missing:
        raise InvalidInput(
            f"{source} has no {' and no '.join(missing)}",
            remedy="Name the folder of a checkpoint in safetensors, with its processor, when all of it is there.",
        )
    (partial / MARK).write_text(source)
    partial.rename(folder)
    log.info("weights are there", folder=str(folder), source=source)


def wait(folder: Path, within_s: float) -> None:
    """Returns when `folder` is filled. Raises SystemFault when it is not in time."""
    until = time.monotonic() + within_s
    while not (folder / MARK).exists():
        if time.monotonic() > until:
            raise SystemFault(
                f"no weights came into {folder} within {within_s:.0f} s",
                remedy="Look at the job that fills the volume: `python -m shared.base_weights fill`.",
            )
        time.sleep(_LOOK_S)


def _lacking(folder: Path) -> list[str]:
    """What a checkpoint must have, and the parts that its own index names: one may be half uploaded."""
    lacking = [pattern for pattern in _NEEDED if not list(folder.glob(pattern))]
    for index in folder.glob(_INDEX):
        parts = sorted(set(json.loads(index.read_text()).get("weight_map", {}).values()))
        lacking += [part for part in parts if not (folder / part).exists()]
    return lacking


def _copy(source: str, folder: Path, options: dict[str, str] | None) -> None:
    if source.startswith(_HUB):
        _from_hub(source.removeprefix(_HUB), folder)
    elif source.startswith(_STORES):
        _from_store(source, folder, options)
    elif Path(source).is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    else:
        raise InvalidInput(
            f"there are no weights at {source!r}",
            remedy="Set SELFSYNTH_WEIGHTS_SOURCE to a folder, s3://bucket/prefix or hub:ORGANISATION/NAME@REVISION.",
        )


def _from_hub(name: str, folder: Path) -> None:
    repository, _, revision = name.partition("@")
    if not revision:
        raise InvalidInput(
            f"hub:{name} names no revision, so the same setting could mean other weights tomorrow",
            remedy=f"Add the commit: hub:{repository}@REVISION.",
        )
    from huggingface_hub import snapshot_download

    snapshot_download(repository, revision=revision, local_dir=folder)


def _from_store(url: str, folder: Path, options: dict[str, str] | None) -> None:
    store = open_store(url, options)
    for key, size_bytes in store.walk(""):
        target = folder / key
        if not target.exists() or target.stat().st_size != size_bytes:
            store.get_to_file(key, target)


def _check_same(before: str, source: str, folder: Path) -> None:
    if before != source:
        raise InvalidInput(
            f"{folder} holds the weights of {before}, not of {source}",
            remedy="Weights never change in place: give the others a folder, and a model name, of their own.",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("fill", "wait"))
    what = parser.parse_args().what
    # Without a handler the first process of a container never hears of SIGTERM. What is copied is gone on with later.
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    try:
        settings = WeightsSettings()
        configure("weights", settings.log_level)
        if what == "fill":
            fill(settings.weights_source, settings.weights_folder, settings.store_options)
        else:
            wait(settings.weights_folder, settings.weights_wait_s)
    except ValidationError as error:
        sys.exit(f"error: {error}\nSet what it names, as SELFSYNTH_*.")
    except SelfSynthError as error:
        sys.exit(f"error: {error.message}\n{error.remedy}")


if __name__ == "__main__":
    main()
