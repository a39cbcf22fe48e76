"""A folder that belongs to one process at a time: two engines in one would remove each other's adapters."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import Conflict, InvalidInput

# Below the named folder, so that nothing else is ever removed from it.
_OURS = "adapters"


@contextmanager
def owned_folder(parent: Path | None) -> Iterator[Path]:
    """An empty folder in `parent`, or a temporary one. What a killed process left is not trusted, and removed.

    Raises Conflict when another process has it, InvalidInput when it cannot be written to.
    """
    if parent is None:
        with tempfile.TemporaryDirectory(prefix="selfsynth-adapters-") as temporary:
            yield Path(temporary)
        return
    try:
        parent.mkdir(parents=True, exist_ok=True)
        lock = (parent / f"{_OURS}.lock").open("w")  # the kernel frees the lock of a dead process
    except OSError as error:
        raise InvalidInput(
            f"adapters cannot be kept in {parent}: {error.strerror}",
            remedy="Name another folder in SELFSYNTH_ENGINE_ADAPTER_CACHE.",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another engine keeps its adapters in {parent}",
                remedy="Give each engine a folder of its own in SELFSYNTH_ENGINE_ADAPTER_CACHE.",
            ) from None
        shutil.rmtree(parent / _OURS, ignore_errors=True)
        (parent / _OURS).mkdir(exist_ok=True)
        yield parent / _OURS
