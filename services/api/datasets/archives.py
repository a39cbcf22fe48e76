"""Checks and unpacks uploads: zip and tar. One member that is a link, or would land outside, refuses all of it."""

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from shared.errors import InvalidInput

Archive = Path | IO[bytes]
_MAX_MEMBERS = 2_000_000
_UNIX_LINK = 0o120000


@dataclass(frozen=True)
class Member:
    name: str
    size_bytes: int
    is_folder: bool
    is_plain: bool


def check(archive: Archive, limit_bytes: int) -> None:
    """`archive` is a path or an open file. Raises InvalidInput when it is none, is unsafe, or is larger than the limit
    once unpacked."""
    with _opened(archive) as inside:
        total_bytes = 0
        for number, (member, _) in enumerate(inside):
            _check_name(member)
            total_bytes += member.size_bytes
            if total_bytes > limit_bytes or number >= _MAX_MEMBERS:
                raise InvalidInput(
                    f"the archive unpacks to more than {limit_bytes} bytes or {_MAX_MEMBERS} files",
                    remedy="Put the folder where the coordinator can read it and register its path.",
                )


def unpack(archive: Archive, folder: Path, limit_bytes: int) -> None:
    """Unpack the plain files of a checked archive below `folder`, counting what is really written."""
    left_bytes = limit_bytes
    with _opened(archive) as inside:
        for member, body in inside:
            _check_name(member)
            if member.is_folder or body is None:
                continue
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as sink:
                left_bytes -= _copy(body, sink, left_bytes)


def _copy(body: IO[bytes], sink: IO[bytes], left_bytes: int) -> int:
    written = 0
    while chunk := body.read(1 << 20):
        written += len(chunk)
        if written > left_bytes:
            raise InvalidInput("the archive unpacks to more than it says", remedy="Pack it anew.")
        sink.write(chunk)
    return written


def _check_name(member: Member) -> None:
    path = PurePosixPath(member.name.replace("\\", "/"))
    has_drive = bool(path.parts) and ":" in path.parts[0]
    if path.is_absolute() or has_drive or ".." in path.parts:
        raise InvalidInput(
            f"the archive's member {member.name!r} would land outside", remedy="Pack it with relative paths."
        )
    if not (member.is_plain or member.is_folder):
        raise InvalidInput(
            f"the archive's member {member.name!r} is a link or a device", remedy="Pack the files themselves."
        )


@contextmanager
def _opened(archive: Archive) -> Iterator[Iterator[tuple[Member, IO[bytes] | None]]]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as inside:
                yield _zip_members(inside)
        else:
            with _tar(archive) as tar:
                yield _tar_members(tar)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, shutil.ReadError) as error:
        raise InvalidInput(
            f"the upload is no readable zip or tar archive: {error}",
            remedy="Send a zip or tar file without a password.",
        ) from error


def _tar(archive: Archive) -> tarfile.TarFile:
    if isinstance(archive, Path):
        return tarfile.open(archive)
    archive.seek(0)
    return tarfile.open(fileobj=archive)


def _zip_members(inside: zipfile.ZipFile) -> Iterator[tuple[Member, IO[bytes] | None]]:
    for info in inside.infolist():
        is_link = (info.external_attr >> 16) & 0o170000 == _UNIX_LINK
        member = Member(info.filename, info.file_size, info.is_dir(), not is_link and not info.is_dir())
        if member.is_plain:
            with inside.open(info) as body:
                yield member, body
        else:
            yield member, None


def _tar_members(inside: tarfile.TarFile) -> Iterator[tuple[Member, IO[bytes] | None]]:
    for info in inside:
        member = Member(info.name, info.size, info.isdir(), info.isreg())
        yield member, inside.extractfile(info) if info.isreg() else None
