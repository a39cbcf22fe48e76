"""A folder as one tar stream, made while it is read. Memory holds one chunk; nothing is written to disk.

Links are followed, since an archive with links in it is refused by the API; what is no file and no folder is left out.
"""

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from shared.errors import InvalidInput

_CHUNK_BYTES = 1 << 20


class Outgoing(io.RawIOBase):
    """What is sent of a folder (packed) or an archive (as it is), as a stream to read once.

    `total_bytes` is about as much as will be read; `on_sent(sent, total)` hears of every chunk. Raises InvalidInput
    when a file changes while it is read.
    """

    def __init__(self, path: Path, on_sent: Callable[[int, int], None] | None = None) -> None:
        files = [path] if path.is_file() else sorted(_files(path))
        self._chunks = _content(path, path.stat().st_size) if path.is_file() else _packed(path, files)
        self._left = b""
        self._on_sent = on_sent
        self.sent_bytes, self.total_bytes = 0, sum(file.stat().st_size for file in files)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; b"" at the end."""
        if not self._left:
            self._left = next(filter(None, self._chunks), b"")
        end = len(self._left) if size < 0 else size
        chunk, self._left = self._left[:end], self._left[end:]
        self.sent_bytes += len(chunk)
        if self._on_sent:
            self._on_sent(self.sent_bytes, max(self.sent_bytes, self.total_bytes))
        return chunk


def _files(folder: Path) -> Iterator[Path]:
    """All plain files below; a folder that links lead back to is entered once."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (path for name in names if (path := Path(place, name)).is_file())


def _packed(folder: Path, files: list[Path]) -> Iterator[bytes]:
    for file in files:
        entry = tarfile.TarInfo(file.relative_to(folder).as_posix())
        entry.size = file.stat().st_size
        yield entry.tobuf(tarfile.PAX_FORMAT)
        yield from _content(file, entry.size)
        yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _content(file: Path, size_bytes: int) -> Iterator[bytes]:
    with file.open("rb") as source:
        while size_bytes:
            chunk = source.read(min(_CHUNK_BYTES, size_bytes))
            if not chunk:
                raise InvalidInput(f"{file} became shorter while it was read", remedy="Wait until it is whole.")
            size_bytes -= len(chunk)
            yield chunk
