"""Restores a backup into a new folder. The stack that starts there has new keys and ports, and an empty queue."""

import json
from pathlib import Path

from selfsynth.backup.accepted import ADAPTERS, drop_unknown_pointers
from selfsynth.backup.database import load, rows, server_major
from selfsynth.backup.making import unfinished
from selfsynth.backup.note import DUMP, OBJECTS, SUMS, BackupNote, read_note
from selfsynth.backup.objects import copy_same, damaged, sha256_of
from selfsynth.stack.lock import is_held
from selfsynth.stack.record import StackRecord
from selfsynth.stack.stack import Stack
from shared.errors import Conflict, InvalidInput
from shared.objects import open_store


def restore(source: Path, folder: Path) -> BackupNote:
    """Into `folder`, which must not exist or be empty. No coordinator has to run.

    Raises Conflict when something is in `folder`, InvalidInput when `source` is no backup, was made by a later release
    or was damaged, SystemFault when it cannot be written. Nothing half done is left.
    """
    note = read_note(source)
    if is_held(folder):
        raise Conflict(
            f"a stack runs on {folder}", remedy="Stop it, or name a new folder with --folder.", code="folder_in_use"
        )
    for name, wanted in ((DUMP, note.dump_sha256), (SUMS, note.sums_sha256)):
        if not (source / name).is_file() or sha256_of(source / name) != wanted:
            raise damaged(f"{source / name} is gone or was changed since the backup was made")
    with unfinished(folder) as partial:
        copied, objects = (open_store((each / OBJECTS).absolute().as_uri()) for each in (source, partial))
        copy_same(copied, objects, json.loads((source / SUMS).read_text()), partial)
        with Stack(partial, services=()) as stack:
            _require_server(note, stack.record)
            load(stack.record, source / DUMP)
            drop_unknown_pointers(rows(stack.record, ADAPTERS) if note.revision else [], objects)
    return note


def _require_server(note: BackupNote, record: StackRecord) -> None:
    ours = server_major(record)
    if note.postgres > ours:
        raise InvalidInput(
            f"the backup is of PostgreSQL {note.postgres}; the one installed here is {ours}",
            remedy="Install the release that made the backup, or a later one.",
            code="backup_too_new",
        )
