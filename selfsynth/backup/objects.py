"""Copies all objects of a store, with the SHA-256 of each on the way. Knows bytes and keys only."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from shared.errors import InvalidInput, ObjectMissing
from shared.objects import ObjectStore

Sums = dict[str, str]
_IN_MEMORY_BYTES = 16 * 2**20


def copy_all(source: ObjectStore, target: ObjectStore, scratch: Path) -> tuple[Sums, int]:
    """SHA-256 by key, and the bytes of all objects together. What is removed meanwhile is left out.

    Large ones go by way of a file in the folder `scratch`.
    """
    sums: Sums = {}
    total_bytes = 0
    for key, size in source.walk(""):
        found = _copy(source, target, key, scratch)
        if found is not None:
            sums[key] = found
            total_bytes += size
    return sums, total_bytes


def copy_same(source: ObjectStore, target: ObjectStore, sums: Mapping[str, str], scratch: Path) -> None:
    """Copies the objects in `sums`. Raises InvalidInput for one that is gone or has other bytes."""
    for key, wanted in sums.items():
        found = _copy(source, target, key, scratch)
        if found != wanted:
            what = "is gone from" if found is None else "was changed in"
            raise damaged(f"the object {key} {what} the backup")


def damaged(what: str) -> InvalidInput:
    return InvalidInput(what, remedy="Take another copy of this backup, or an older one.", code="backup_damaged")


def _copy(source: ObjectStore, target: ObjectStore, key: str, scratch: Path) -> str | None:
    """By way of memory, or of a file where the object is large: the library cannot read while it writes."""
    digest = hashlib.sha256()
    with SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=str(scratch)) as spool:
        try:
            for chunk in source.stream(key):
                digest.update(chunk)
                spool.write(chunk)
        except ObjectMissing:
            return None
        spool.seek(0)
        target.put_stream(key, cast(IO[bytes], spool))
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
