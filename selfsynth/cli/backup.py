"""`selfsynth backup` and `selfsynth restore`: the stack of this machine, to a folder and back."""

from pathlib import Path
from typing import Annotated

import typer

from selfsynth.backup import BackupNote, back_up, restore
from selfsynth.cli.interrupts import interruptible
from selfsynth.cli.target import DEFAULT_FOLDER, Folder, command_line
from selfsynth.cli.terminal import console

_SHOWN = 3


def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The new folder that the backup goes into.")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Copy database and objects of a stack into a new folder; the stack may go on running."""
    with interruptible():
        note = back_up(folder, target)
    console().print(f"{_told(note)} in {target}", soft_wrap=True, markup=False)
    _tell_lacking(note)


def restore_backup(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder that `selfsynth backup` made.")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Restore a backup into a new folder. `selfsynth up` then goes on with its jobs."""
    with interruptible():
        note = restore(source, folder)
    start = command_line(folder, "selfsynth", "up", *([] if note.model == "tiny-birds" else ["--model", note.model]))
    console().print(f"{_told(note)} restored into {folder}; start it: {start}", soft_wrap=True, markup=False)
    _tell_lacking(note)


def _told(note: BackupNote) -> str:
    return f"backup of {note.made_at}: {note.objects} objects, {note.objects_bytes / 2**20:.1f} MiB, and the database"


def _tell_lacking(note: BackupNote) -> None:
    if note.lacking:
        names = ", ".join(note.lacking[:_SHOWN])
        console().print(
            f"warning: the store had lost {len(note.lacking)} objects that jobs name ({names}); those jobs' steps that "
            "read them will fail",
            soft_wrap=True,
            markup=False,
        )
