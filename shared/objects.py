"""The object store: a directory or S3, by URL, behind one small class. Knows bytes and keys, nothing of what they mean.

Keys are relative, `/`-separated. A put is atomic: a reader sees the whole object or none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import from_url

from shared.ahead import ahead
from shared.errors import Conflict, NotFound, ObjectMissing, StoreFull, StoreUnavailable

_PART_BYTES = 8 * 1024 * 1024
# So many parts of a file are in memory while it is stored.
_PARTS_AT_ONCE = 4
# Large, as the store takes its time to answer for each chunk; two, so that a file need not wait for that.
_CHUNK_BYTES = 16 * 1024 * 1024
_CHUNKS_AT_ONCE = 2
_FULL_SIGNS = ("no space left", "disk quota exceeded", "os error 28", "os error 122")


class _Version(NamedTuple):
    """Of a whole object. Two with the same tag have the same bytes."""

    e_tag: str | None
    size_bytes: int


class ObjectStore:
    """Open with `open_store(url)`. One that is sent to another process is opened anew there."""

    def __init__(
        self, url: str, inner: Any, options: Mapping[str, str] | None = None, chunk_bytes: int = _CHUNK_BYTES
    ) -> None:
        self.url = url
        self._inner = inner
        self._options = options
        self._chunk_bytes = chunk_bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return open_store, (self.url, self._options)

    def put(self, key: str, body: bytes) -> None:
        """Store `body`, replacing what was there."""
        self._put(key, body, "overwrite")

    def create(self, key: str, body: bytes) -> None:
        """Store `body` if nothing is there. Raises Conflict otherwise."""
        self._put(key, body, "create")

    def put_file(self, key: str, path: Path) -> None:
        """Store a file's bytes, streamed in parts when it is large."""
        with path.open("rb") as source:
            self.put_stream(key, source)

    def put_stream(self, key: str, source: IO[bytes]) -> None:
        """Store what an open file holds, from where it stands, streamed in parts when it is large."""
        with _translated(self.url, key):
            obstore.put(self._inner, key, source, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)

    def get(self, key: str) -> bytes:
        """Raises ObjectMissing when there is no such object, and otherwise as `stream` does."""
        return b"".join(self._chunks(key, _CHUNKS_AT_ONCE))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        with _translated(self.url, key):
            return bytes(obstore.get_range(self._inner, key, start=start, length=length))

    def stream(self, key: str) -> Iterator[bytes]:
        """The object in chunks of 16 MiB, fetched as they are asked for: many slow readers take little memory.

        Raises StoreUnavailable where it is replaced meanwhile.
        """
        return (bytes(chunk) for chunk in self._chunks(key, at_once=1))

    def get_to_file(self, key: str, path: Path) -> None:
        """Raises as `stream` does; `path` then is as it was."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as target:
            for chunk in self._chunks(key, _CHUNKS_AT_ONCE):
                target.write(chunk)
        partial.replace(path)

    def list(self, prefix: str) -> list[str]:
        """All keys below the folder `prefix`, sorted."""
        return sorted(key for key, _ in self.walk(prefix))

    def walk(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Key and size in bytes of every object below the folder `prefix`, in no order, fetched page by page."""
        with _translated(self.url, prefix):
            for page in obstore.list(self._inner, prefix=prefix.rstrip("/")):
                yield from ((meta["path"], int(meta["size"])) for meta in page)

    def size_bytes(self, key: str) -> int | None:
        """The object's size, or None when there is none."""
        try:
            with _translated(self.url, key):
                return int(obstore.head(self._inner, key)["size"])
        except NotFound:
            return None

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""
        try:
            with _translated(self.url, key):
                obstore.delete(self._inner, key)
        except NotFound:
            return

    def _chunks(self, key: str, at_once: int) -> Iterator[obstore.Bytes]:
        """Each is a request of its own, with its own time and retries: an object may take for ever, a chunk may not."""
        first, version = self._chunk(key, 0)
        yield first
        del first  # not held while the others are read

        def chunk(start: int) -> obstore.Bytes:
            body, found = self._chunk(key, start)
            if found != version:
                raise StoreUnavailable(
                    f"the object {key!r} in {self.url} was replaced while it was read",
                    remedy="Read it again when nobody writes it.",
                )
            return body

        yield from ahead(chunk, range(self._chunk_bytes, version.size_bytes, self._chunk_bytes), at_once)

    def _chunk(self, key: str, start: int) -> tuple[obstore.Bytes, _Version]:
        options: Any = {"range": (start, start + self._chunk_bytes)}
        with _translated(self.url, key):
            try:
                result = obstore.get(self._inner, key, options=options)
            except BaseError as error:
                if start or "range" not in str(error).lower():
                    raise
                # No range lies within an empty object.
                result = obstore.get(self._inner, key)
                if result.meta["size"]:
                    raise
            return result.bytes(), _Version(result.meta["e_tag"], result.meta["size"])

    def _put(self, key: str, body: bytes, mode: Literal["create", "overwrite"]) -> None:
        with _translated(self.url, key):
            # A create-only put cannot be multipart; ours are small.
            obstore.put(self._inner, key, body, mode=mode, use_multipart=False if mode == "create" else None)


def open_store(url: str, options: Mapping[str, str] | None = None) -> ObjectStore:
    """The store at `file:///folder` (made if missing) or `s3://bucket/prefix`.

    `options` are obstore's S3 settings (`endpoint`, `access_key_id`, `secret_access_key`, `region`, ...); those not
    given come from the environment as usual for S3 clients.
    """
    try:
        if url.startswith("file://"):
            return ObjectStore(url, from_url(url, mkdir=True))
        inner = from_url(url, config=cast(Any, dict(options or {})), client_options=_client_options(options))
        return ObjectStore(url, inner, options)
    except (BaseError, ValueError) as error:
        raise StoreUnavailable(
            f"the object store {url!r} cannot be opened: {error}",
            remedy="Give SELFSYNTH_STORE_URL as file:///folder or s3://bucket/prefix, and its options.",
        ) from error


def _client_options(options: Mapping[str, str] | None) -> Any:
    endpoint = (options or {}).get("endpoint", "")
    return {"allow_http": True} if endpoint.startswith("http://") else {}


@contextmanager
def _translated(url: str, key: str) -> Iterator[None]:
    """obstore's errors become ours, once, here."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise ObjectMissing(
            f"there is no object {key!r} in {url}", remedy="Restore the object store from its backup."
        ) from error
    except (AlreadyExistsError, PreconditionError) as error:
        raise Conflict(
            f"the object {key!r} exists already in {url}", remedy="Objects made once are never replaced."
        ) from error
    except (BaseError, OSError) as error:
        raise _store_error(url, key, error) from error


def _store_error(url: str, key: str, error: Exception) -> StoreUnavailable | StoreFull:
    if any(sign in str(error).lower() for sign in _FULL_SIGNS):
        return StoreFull(
            f"the object store {url} is full; {key!r} was not written", remedy="Free space there, then start again."
        )
    return StoreUnavailable(f"the object store {url} failed for {key!r}: {error}", remedy="Check that it is reachable.")
