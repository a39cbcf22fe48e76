"""Checks and unpacks archives that nobody vouches for: zip and tar. One bad member refuses all of it.

What is inside another archive is just a file.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from services.api.datasets.archive_members import Archive, Member, Members, is_archive, members_of, size_bytes
from services.api.datasets.archive_names import Names
from shared.errors import InvalidInput

__all__ = ["MAX_MEMBERS", "Archive", "check", "is_archive", "unpack"]

MAX_MEMBERS = 1_000_000
# Pictures hardly shrink when packed, but for flat ones: so much is taken whatever the ratio.
_FREE_BYTES, _MAX_RATIO = 64 << 20, 200


def check(archive: Archive, limit_bytes: int, max_members: int = MAX_MEMBERS) -> None:
    """`archive` is a path or an open file. Raises InvalidInput when it is none, is unsafe, or unpacks to more than the
    limits, by what its members claim; `unpack` counts what there is."""
    with members_of(archive) as members:
        for _ in _checked(members, size_bytes(archive), limit_bytes, max_members):
            pass


def unpack(archive: Archive, folder: Path, limit_bytes: int, max_members: int = MAX_MEMBERS) -> None:
    """Unpack the files below `folder`, which must be empty or not there, and is empty again when it fails. Checks
    everything that `check` does on the way. Raises InvalidInput."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with members_of(archive) as members:
            for place, body in _checked(members, size_bytes(archive), limit_bytes, max_members):
                _write(folder / place, body)
    except BaseException:
        _empty(folder)
        raise


def _checked(
    members: Members, packed_bytes: int, limit_bytes: int, max_members: int
) -> Iterator[tuple[PurePosixPath, tuple[Member, IO[bytes] | None]]]:
    """Where each member goes. Raises InvalidInput for the first that must not be."""
    names, total_bytes = Names(), 0
    for number, (member, body) in enumerate(members, start=1):
        place = names.place_of(member.name, member.is_folder)
        if not (member.is_plain or member.is_folder):
            raise InvalidInput(
                f"the archive's member {member.name!a} is a link or a device, or has holes",
                remedy="Pack the files themselves, with `tar --dereference` for instance.",
            )
        total_bytes += member.size_bytes
        _check_size(total_bytes, number, packed_bytes, limit_bytes, max_members)
        if place is not None:
            yield place, (member, body)


def _check_size(total_bytes: int, members: int, packed_bytes: int, limit_bytes: int, max_members: int) -> None:
    if total_bytes > limit_bytes or members > max_members:
        raise InvalidInput(
            f"the archive unpacks to more than {limit_bytes} bytes or {max_members} files",
            remedy="Put the folder where the coordinator can read it and register its path, or have the limit raised.",
        )
    if total_bytes > _FREE_BYTES and total_bytes > _MAX_RATIO * packed_bytes:
        raise InvalidInput(
            f"the archive unpacks to more than {_MAX_RATIO} times its size, as no images do",
            remedy="Pack nothing but images and their lists.",
        )


def _write(target: Path, entry: tuple[Member, IO[bytes] | None]) -> None:
    member, body = entry
    if member.is_folder or body is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    left_bytes = member.size_bytes
    with target.open("xb") as sink:
        while chunk := body.read(1 << 20):
            left_bytes -= len(chunk)
            if left_bytes < 0:
                break
            sink.write(chunk)
    if left_bytes:
        raise InvalidInput(
            f"the archive's member {member.name!a} is not as large as it claims", remedy="Pack the folder anew."
        )


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
