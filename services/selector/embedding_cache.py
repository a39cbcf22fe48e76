"""Embeddings that were computed before, by any process of this machine, in one SQLite file. Knows keys and
bytes, no encoder.

A cache may only save time: whatever is wrong with its file, texts are embedded as if it were not there.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import structlog

from shared.errors import SystemFault

log = structlog.get_logger(__name__)

_FILE = "embeddings.sqlite"
_WAIT_S = 5.0
_AT_ONCE = 500  # keys in one query
_DROPPED_SHARE = 4  # a full cache gives up one in so many, the oldest


class EmbeddingCache:
    """Vectors by key, `limit_bytes` on disk at most (and what a transaction needs beside it).

    Safe for several processes. `folder` is by default one of this user below the system's temporary folder. Raises
    SystemFault when the folder is another user's.
    """

    def __init__(self, folder: Path | None, limit_bytes: int) -> None:
        folder = folder or Path(tempfile.gettempdir()) / f"selfsynth-embeddings-{os.getuid()}"
        with suppress(OSError):  # a folder that cannot be made is a file that cannot be opened, below
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.exists() and folder.stat().st_uid != os.getuid():
            raise SystemFault(f"{folder} belongs to another user", remedy="Remove it, or set SELFSYNTH_ENCODER_CACHE.")
        self._path = folder / _FILE
        self._limit_bytes = limit_bytes

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The vectors of those that are there."""
        found: dict[bytes, bytes] = {}
        with self._forgiving(), self._opened() as file:
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found |= dict(file.execute(f"SELECT key, vector FROM embeddings WHERE key IN ({marks})", some))
        return found

    def put(self, vectors: Mapping[bytes, bytes]) -> None:
        """Keep the vectors, and drop the oldest when there are too many."""
        with self._forgiving(), self._opened() as file, file:
            file.executemany("INSERT OR IGNORE INTO embeddings (key, vector) VALUES (?, ?)", vectors.items())
            while self._used_bytes(file) > self._limit_bytes and self._drop_oldest(file):
                pass

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection for one use: none may live on in a forked child."""
        with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as file:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.execute(
                "CREATE TABLE IF NOT EXISTS embeddings (id INTEGER PRIMARY KEY, key BLOB UNIQUE, vector BLOB NOT NULL)"
            )
            yield file

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # busy, full, read-only: it may pass
            log.warning("the embedding cache was passed over", path=str(self._path), why=str(error))
        except sqlite3.DatabaseError as error:
            log.warning("the embedding cache was broken and begins anew", path=str(self._path), why=str(error))
            for name in ("", "-wal", "-shm"):
                self._path.with_name(_FILE + name).unlink(missing_ok=True)

    def _used_bytes(self, file: sqlite3.Connection) -> int:
        pages, free, size = (
            file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _drop_oldest(self, file: sqlite3.Connection) -> int:
        count = file.execute("SELECT COUNT(*) FROM embeddings").fetchone()[0]
        oldest = "SELECT id FROM embeddings ORDER BY id LIMIT ?"
        drop = f"DELETE FROM embeddings WHERE id IN ({oldest})"
        return file.execute(drop, (-(-count // _DROPPED_SHARE),)).rowcount
