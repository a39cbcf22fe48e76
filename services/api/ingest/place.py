"""Brings a data set to where it can be read: a path as it is, an upload unpacked, a prefix of the store copied."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from services.api.datasets.archives import check, unpack
from services.api.datasets.request import Source
from services.api.ingest.scratch import scratch_folder
from shared.errors import InvalidInput
from shared.objects import ObjectStore

_AT_ONCE = 16


@dataclass(frozen=True)
class Place:
    """`path` to read, and the folders that its images may lie in."""

    path: Path
    roots: tuple[Path, ...]


@contextmanager
def placed(
    store: ObjectStore, source: Source, roots: tuple[Path, ...], limit_bytes: int, stop: Callable[[], None]
) -> Iterator[Place]:
    """`limit_bytes` holds for what is unpacked or copied; `stop` raises when it must end. Leaves nothing behind.

    Raises InvalidInput for an archive that is refused or too large, and DiskFull.
    """
    if source.path is not None:
        yield Place(Path(source.path), roots)
        return
    key = (source.upload or source.prefix or "").rstrip("/")
    with scratch_folder() as folder:
        inside = folder / "inside"
        inside.mkdir()
        if store.size_bytes(key) is None:
            _copy(store, key, inside, limit_bytes, stop)
        else:
            _unpack(store, key, folder / "archive", inside, limit_bytes)
        yield Place(inside, (inside,))


def _unpack(store: ObjectStore, key: str, archive: Path, inside: Path, limit_bytes: int) -> None:
    store.get_to_file(key, archive)
    check(archive, limit_bytes)
    unpack(archive, inside, limit_bytes)
    archive.unlink()


def _copy(store: ObjectStore, prefix: str, inside: Path, limit_bytes: int, stop: Callable[[], None]) -> None:
    """All objects below the prefix, a few at a time."""
    left_bytes = limit_bytes
    under_way: set[Future[None]] = set()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for key, size_bytes in store.walk(prefix):
            stop()
            left_bytes -= size_bytes
            if left_bytes < 0:
                raise InvalidInput(
                    f"the objects below {prefix!r} are larger than {limit_bytes} bytes together",
                    remedy="Split the data set, or ask the operator to raise SELFSYNTH_UPLOAD_LIMIT_BYTES.",
                )
            target = inside / _relative(key, prefix)
            under_way.add(threads.submit(store.get_to_file, key, target))
            if len(under_way) >= 2 * _AT_ONCE:
                under_way = _settled(under_way)
        while under_way:
            stop()
            under_way = _settled(under_way)


def _settled(under_way: set[Future[None]]) -> set[Future[None]]:
    """Those that are still under way once at least one has ended. Raises the error of one that failed."""
    ended, left = wait(under_way, return_when=FIRST_COMPLETED)
    for each in ended:
        try:
            each.result()
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            raise InvalidInput(
                f"{error.filename!r} is an object and a folder at once", remedy="Give the objects other keys."
            ) from error
    return left


def _relative(key: str, prefix: str) -> PurePosixPath:
    parts = key.removeprefix(f"{prefix}/").split("/")
    if {"", ".", ".."} & set(parts) or "\0" in key or max(len(part.encode()) for part in parts) > 240:
        raise InvalidInput(f"the object {key!r} has no name for a file", remedy="Give it a plain key.")
    return PurePosixPath(*parts)
