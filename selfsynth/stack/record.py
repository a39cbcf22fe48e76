"""`stack.json`: where a stack listens and with which keys, for other commands to find it and to survive a restart."""

import os
import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from selfsynth.stack.lock import is_held
from shared.errors import NotFound, SystemFault

_NAME = "stack.json"


def _key() -> str:
    return secrets.token_hex(20)


class Keys(BaseModel):
    """Made once a folder. Hexadecimal, so that they need no quoting in URLs."""

    model_config = ConfigDict(frozen=True)

    api: str = Field(default_factory=_key)
    worker: str = Field(default_factory=_key)
    engine: str = Field(default_factory=_key)
    postgres: str = Field(default_factory=_key)
    valkey: str = Field(default_factory=_key)


class StackRecord(BaseModel):
    """A folder's stack: `url` and `keys.api` are what a client needs."""

    model_config = ConfigDict(frozen=True)

    pid: int
    url: str
    engine_url: str
    database_url: str = Field(repr=False)
    redis_url: str = Field(repr=False)
    store_url: str
    model: str
    ports: dict[str, int]
    keys: Keys = Field(repr=False)

    def write(self, folder: Path) -> None:
        """Replace the file at once; only its owner may read it."""
        partial = folder / f"{_NAME}.partial"
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as target:
            target.write(self.model_dump_json(indent=1))
            target.flush()
            os.fsync(target.fileno())
        partial.replace(folder / _NAME)


def read_record(folder: Path) -> StackRecord | None:
    """The folder's record, of a stack that runs or ran; None when there never was one."""
    path = folder / _NAME
    try:
        return StackRecord.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise SystemFault(
            f"{path} is not a stack's record: {error.error_count()} faults",
            remedy="Restore it, or name another folder: it holds the keys to the folder's database.",
        ) from error


def find_running(folder: Path) -> StackRecord:
    """Raises NotFound when no stack runs on the folder."""
    record = read_record(folder) if is_held(folder) else None
    if record is None:
        raise NotFound(
            f"no stack runs on {folder}",
            remedy=f"Start one with `selfsynth up --folder {folder}`, or give --url and --key of another.",
        )
    return record
