"""What lies in a backup's folder, and `backup.json`, which is written last: a folder without it is no backup."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from services.api.database.revisions import known_revisions
from shared.errors import InvalidInput

FORMAT = 1
DUMP = "database.dump"
OBJECTS = "objects"
SUMS = "objects.json"
_NAME = "backup.json"


class BackupNote(BaseModel):
    """`postgres` is the server's major version, `revision` the schema's. `lacking` are objects that the database names
    and the store did not have, or not with the right bytes, when the backup was made."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    made_at: str
    release: str
    revision: str | None
    postgres: int
    model: str
    dump_sha256: str
    sums_sha256: str
    objects: int
    objects_bytes: int
    lacking: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        (folder / _NAME).write_text(self.model_dump_json(indent=1))


def read_note(folder: Path) -> BackupNote:
    """Raises InvalidInput when the folder holds no backup, or one of a later release."""
    path = folder / _NAME
    try:
        note = BackupNote.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidInput(
            f"{folder} is no backup: it holds no {_NAME}", remedy="Name the folder that `selfsynth backup` made."
        ) from None
    except ValidationError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.error_count()} faults", remedy="Take another copy of this backup."
        ) from error
    if note.format != FORMAT or (note.revision and note.revision not in known_revisions()):
        raise InvalidInput(
            f"the backup in {folder} was made by release {note.release} (format {note.format}, schema "
            f"{note.revision}); this one knows format {FORMAT} and schemas to {known_revisions()[-1]}",
            remedy=f"Restore it with release {note.release} or a later one.",
            code="backup_too_new",
        )
    return note
