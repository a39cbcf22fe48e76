"""Makes a backup: the database first, then the store, so that the copy holds at least all that the dump names.

Artefacts never change once they are accepted, so what came to the store after the dump does no harm.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from selfsynth.backup.accepted import ARTEFACTS, lacking
from selfsynth.backup.database import dump, rows, schema_revision, server_major
from selfsynth.backup.note import DUMP, OBJECTS, SUMS, BackupNote
from selfsynth.backup.objects import copy_all, sha256_of
from selfsynth.stack.lock import is_held
from selfsynth.stack.record import StackRecord, find_running, read_record
from selfsynth.stack.stack import Stack
from shared.errors import Conflict, InvalidInput, NotFound, StoreFull
from shared.objects import ObjectStore, open_store

_UNFINISHED = ".unfinished"
# A dump is compressed; without a look into it, this is more than those of many thousand jobs need.
_DUMP_BYTES = 100 * 2**20


def back_up(folder: Path, target: Path) -> BackupNote:
    """Of the stack in `folder`, which may go on running meanwhile, into the new folder `target`.

    Raises Conflict when there is something at `target`, NotFound when there never was a stack in `folder`, InvalidInput
    when its objects lie elsewhere or `target` in `folder`, StoreFull or SystemFault when it cannot be written. Nothing
    half done is left.
    """
    if target.absolute().is_relative_to(folder.absolute()):
        raise InvalidInput(f"{target} lies in the stack's own folder", remedy="Name a folder elsewhere.")
    with _database_of(folder) as record, unfinished(target) as partial:
        source = _store_of(record)
        _require_room(source, partial)
        accepted = rows(record, ARTEFACTS) if (revision := schema_revision(record)) else []
        dump(record, partial / DUMP)
        copy = open_store((partial / OBJECTS).as_uri())
        sums, total_bytes = copy_all(source, copy, partial)
        (partial / SUMS).write_text(json.dumps(sums, indent=0))
        note = BackupNote(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            release=version("selfsynth"),
            revision=revision,
            postgres=server_major(record),
            model=record.model,
            dump_sha256=sha256_of(partial / DUMP),
            sums_sha256=sha256_of(partial / SUMS),
            objects=len(sums),
            objects_bytes=total_bytes,
            lacking=lacking(accepted, sums, copy),
        )
        os.sync()
        note.write(partial)
    return note


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A new folder for the owner alone that becomes `target` when the block ends well, and is gone otherwise.

    Raises Conflict when something is at `target` that is not an empty folder.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise Conflict(f"{target} is there and not an empty folder", remedy="Name a new folder.", code="target_in_use")
    target = target.absolute()
    partial = target.with_name(target.name + _UNFINISHED)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True, mode=0o700)
        yield partial
        partial.replace(target)
    except OSError as error:
        raise InvalidInput(
            f"{error.filename or target} cannot be written: {error.strerror}", remedy="Name another folder."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _database_of(folder: Path) -> Iterator[StackRecord]:
    """The record of the stack that runs on the folder; where none does, its databases run meanwhile."""
    if is_held(folder):
        yield find_running(folder)
    elif read_record(folder) is None:
        raise NotFound(f"there is no stack in {folder}", remedy="Name its folder with --folder.")
    else:
        with Stack(folder, services=()) as stack:
            yield stack.record


def _store_of(record: StackRecord) -> ObjectStore:
    if not record.store_url.startswith("file://"):
        raise InvalidInput(
            f"the stack's objects lie in {record.store_url}, which this command does not copy",
            remedy="Copy them with that store's own tools, after a pg_dump (docs/operations.md).",
        )
    return open_store(record.store_url)


def _require_room(source: ObjectStore, partial: Path) -> None:
    wanted = sum(size for _, size in source.walk("")) + _DUMP_BYTES
    free = shutil.disk_usage(partial).free
    if free < wanted:
        raise StoreFull(
            f"the disk of {partial.parent} has {free / 2**20:.0f} MiB left; the backup needs {wanted / 2**20:.0f} MiB",
            remedy="Free space there, or name a folder on another disk.",
        )
