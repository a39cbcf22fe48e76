"""One stack a folder. The kernel frees the lock when its holder dies, so that it can never be stale."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.errors import Conflict, InvalidInput

_NAME = "lock"


class FolderLock:
    """A context manager.

    Entering raises Conflict, naming the holder's pid, when another one holds the folder, and InvalidInput when it may
    not be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode().strip() or "unknown"
            os.close(descriptor)
            raise Conflict(
                f"a stack runs on {self._folder} already (pid {holder})",
                remedy="Use that one, stop it, or name another folder.",
                code="folder_in_use",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def _open(self) -> int:
        try:
            return os.open(self._folder / _NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InvalidInput(
                f"the folder {self._folder} cannot be written to: {error.strerror}",
                remedy="Name another with --folder.",
            ) from error

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(folder: Path) -> bool:
    """Whether a stack runs on the folder."""
    try:
        descriptor = os.open(folder / _NAME, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
