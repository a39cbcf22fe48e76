"""Temporary folders that do not outlive their process for long. Knows nothing of what they hold.

A process that is killed cannot clean up; the next one that wants a folder removes those that nobody holds any more.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DiskFull, SystemFault, is_disk_full


@contextmanager
def scratch_folder(below: Path | None = None) -> Iterator[Path]:
    """A folder of this process, removed on leaving. `below` is the system's temporary folder by default.

    Raises DiskFull for a write within the block that finds no room.
    """
    base = (below or Path(tempfile.gettempdir())) / f"selfsynth-ingest-{os.getuid()}"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if base.is_symlink() or base.stat().st_uid != os.getuid():
        raise SystemFault(f"{base} belongs to another user", remedy="Remove it, or set TMPDIR of the data worker.")
    folder, hold = _new(base)
    try:
        yield folder
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFull(
            f"the disk of the temporary folder {base} is full: {error.strerror}",
            remedy="Free space there, or set TMPDIR of the data worker to a larger disk.",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(hold)


def _new(base: Path) -> tuple[Path, int]:
    """A folder and the open file that holds it. Making and sweeping exclude each other, so that no folder is taken for
    an abandoned one before it is held."""
    with _locked(base / "lock"):
        for each in base.iterdir():
            _sweep(each)
        folder = Path(tempfile.mkdtemp(dir=base))
        hold = os.open(folder, os.O_RDONLY)
        fcntl.flock(hold, fcntl.LOCK_EX)
    return folder, hold


def _sweep(folder: Path) -> None:
    if not folder.is_dir():
        return
    hold = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(hold)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
