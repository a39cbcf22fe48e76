"""Checkpoints in the object store: one tar object each, newest first. Knows files, nothing of what they hold.

An object appears whole or not at all, so every checkpoint listed is complete, whichever attempt wrote it.
"""

import re
import shutil
import tarfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from shared.errors import StepStopped
from shared.objects import ObjectStore

_NAME = re.compile(r"/step-(\d{6,})-a(\d+)\.tar$")
_KEEP = 2


class Checkpoint(NamedTuple):
    step: int
    attempt: int
    key: str


def checkpoints(store: ObjectStore, folder: str) -> list[Checkpoint]:
    """Those below `folder`/checkpoints, the newest (most steps, then latest attempt) last."""
    found = ((key, _NAME.search(key)) for key in store.list(f"{folder}/checkpoints"))
    return sorted(Checkpoint(int(match[1]), int(match[2]), key) for key, match in found if match)


def fetch(store: ObjectStore, checkpoint: Checkpoint, folder: Path) -> Path:
    """Unpack a checkpoint below `folder`. Returns its own folder, `checkpoint-{step}`."""
    tar_file = folder / "resume.tar"
    store.get_to_file(checkpoint.key, tar_file)
    with tarfile.open(tar_file) as tar:
        # The archive is our own; Pythons before 3.11.4 do not know the filter.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        tar.extractall(folder)
    tar_file.unlink()
    return folder / f"checkpoint-{checkpoint.step}"


def forget(store: ObjectStore, folder: str) -> None:
    """Remove all checkpoints below `folder`: they are large, and of no use once what was trained is accepted."""
    for checkpoint in checkpoints(store, folder):
        store.delete(checkpoint.key)


class CheckpointUploads:
    """Uploads in the background, so that a large checkpoint delays neither training nor a cancel.

    Use as a context manager; leaving it waits for what was begun, unless the attempt must end at once. `check` raises
    the first error.
    """

    def __init__(self, store: ObjectStore, folder: str, attempt: int) -> None:
        self._store = store
        self._folder = folder
        self._attempt = attempt
        self._pool = ThreadPoolExecutor(1, "checkpoints")
        self._begun: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=isinstance(value, StepStopped))

    def begin(self, step: int, local: Path) -> None:
        """Upload the checkpoint in `local`, remove `local`, and keep only the newest two in the store."""
        self._begun.append(self._pool.submit(self._upload, step, local))

    def check(self, *, wait: bool = False) -> None:
        """Raise the error of an upload that failed; with `wait`, of any begun."""
        for upload in list(self._begun):
            if wait or upload.done():
                upload.result()
                self._begun.remove(upload)

    def _upload(self, step: int, local: Path) -> None:
        tar_file = local.with_suffix(".tar")
        with tarfile.open(tar_file, "w") as tar:
            tar.add(local, arcname=f"checkpoint-{step}")
        self._store.put_file(f"{self._folder}/checkpoints/step-{step:06d}-a{self._attempt}.tar", tar_file)
        tar_file.unlink()
        shutil.rmtree(local)
        for old in checkpoints(self._store, self._folder)[:-_KEEP]:
            self._store.delete(old.key)
