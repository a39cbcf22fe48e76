"""Objects of the store as one tar, made while it is sent. Knows nothing of what they are."""

import tarfile
from collections.abc import Iterator, Sequence

from shared.errors import NotFound
from shared.objects import ObjectStore


def tar_of(store: ObjectStore, keys: Sequence[str], folder: str) -> Iterator[bytes]:
    """Chunks of a tar that holds each object as `folder/<last part of its key>`. Raises NotFound before the first
    chunk when an object is gone."""
    sizes = {key: store.size_bytes(key) for key in keys}
    gone = [key for key, size in sizes.items() if size is None]
    if gone or not keys:
        raise NotFound(f"files of {folder} are gone: {gone}", remedy="Restore the object store from its backup.")
    return _chunks(store, {key: size or 0 for key, size in sizes.items()}, folder)


def _chunks(store: ObjectStore, sizes: dict[str, int], folder: str) -> Iterator[bytes]:
    for key, size_bytes in sizes.items():
        entry = tarfile.TarInfo(f"{folder}/{key.rsplit('/', 1)[-1]}")
        entry.size = size_bytes
        yield entry.tobuf()
        yield from store.stream(key)
        yield b"\0" * (-size_bytes % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)
