"""Reads zip and tar as one stream of members. Damage, passwords and absurd headers are refused; names are not judged.

Both formats let a small file claim a huge index: that is refused before it is held in memory.
"""

import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from shared.errors import InvalidInput

Archive = Path | IO[bytes]
Members = Iterator[tuple["Member", IO[bytes] | None]]

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENCRYPTED, _UTF8 = 0x1, 0x800
_FILE_KIND, _PLAIN_FILE, _FOLDER = 0o170000, 0o100000, 0o040000
# Long names and the like are held in memory while they are read; real ones have a few hundred bytes.
_MAX_HEADER_BYTES = 1 << 20
_MAX_INDEX_BYTES = 160 << 20
_MAX_PADDING_BYTES = 16 << 20
_LONG_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error, ValueError)


@dataclass(frozen=True)
class Member:
    """`is_plain`: an ordinary file, neither folder, link, device nor sparse. `name` as the archive writes it."""

    name: str
    size_bytes: int
    is_folder: bool
    is_plain: bool


@contextmanager
def members_of(archive: Archive) -> Iterator[Members]:
    """Each member with its bytes, which must be read before the next one. Raises InvalidInput, then and later."""
    try:
        if _is_zip(archive):
            with zipfile.ZipFile(_with_small_index(archive)) as inside:
                yield _zip_members(inside)
        else:
            with _opened_tar(archive) as tar:
                yield _tar_members(tar)
    except _DAMAGE as error:
        raise _unreadable(str(error)) from error
    except NotImplementedError as error:
        raise _unreadable(f"it is packed in an unusual way ({error})") from error
    except OSError as error:
        if error.errno is not None:  # the disk's fault, not the archive's
            raise
        raise _unreadable(str(error)) from error


def is_archive(path: Path) -> bool:
    """By what the file holds, not by its name."""
    if not path.is_file():
        return False
    try:
        if not _is_zip(path):
            _opened_tar(path).close()
    except _DAMAGE:
        return False
    return True


def size_bytes(archive: Archive) -> int:
    if isinstance(archive, Path):
        return archive.stat().st_size
    return archive.seek(0, os.SEEK_END)


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(
        f"this is no readable zip or tar archive: {why}",
        remedy="Pack the folder anew as zip, tar or tar.gz, without a password, and send all of it.",
    )


def _is_zip(archive: Archive) -> bool:
    """By its beginning: a tar whose last file is a zip ends like one."""
    if isinstance(archive, Path):
        with archive.open("rb") as file:
            return file.read(4) in _ZIP_STARTS
    archive.seek(0)
    return archive.read(4) in _ZIP_STARTS


def _with_small_index(archive: Archive) -> Archive:
    """The archive, once its central directory is known to fit into memory."""
    if isinstance(archive, Path):
        with archive.open("rb") as file:
            _with_small_index(file)
        return archive
    whole = size_bytes(archive)
    archive.seek(max(0, whole - 66_000))
    tail = archive.read()
    end = tail.rfind(b"PK\x05\x06")
    index_bytes = struct.unpack_from("<I", tail, end + 12)[0] if end >= 0 else 0
    if index_bytes == 0xFFFF_FFFF and end >= 76 and tail[end - 76 : end - 72] == b"PK\x06\x06":
        index_bytes = struct.unpack_from("<Q", tail, end - 76 + 40)[0]
    if index_bytes > _MAX_INDEX_BYTES:
        raise zipfile.BadZipFile(f"its index alone has {index_bytes} bytes")
    archive.seek(0)
    return archive


def _zip_members(inside: zipfile.ZipFile) -> Members:
    for info in inside.infolist():
        if info.flag_bits & _ENCRYPTED:
            raise zipfile.BadZipFile(f"{info.filename!a} is encrypted")
        kind = (info.external_attr >> 16) & _FILE_KIND
        is_plain = not info.is_dir() and kind in (0, _PLAIN_FILE)
        member = Member(_zip_name(info), info.file_size, info.is_dir() and kind in (0, _FOLDER), is_plain)
        if is_plain:
            with inside.open(info) as body:
                yield member, body
        else:
            yield member, None


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names without the UTF-8 mark are read as code page 437, which is hardly ever what was meant: taken when they turn
    out to be UTF-8, refused when not."""
    name = info.orig_filename
    if info.flag_bits & _UTF8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError as error:
        raise zipfile.BadZipFile(f"the name {name!a} is not in UTF-8") from error


class _StrictHeader(tarfile.TarInfo):
    """tarfile takes a damaged header for the end, and reads headers of any length into memory."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"it is damaged or cut off ({error})") from error

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in _LONG_HEADERS and header.size > _MAX_HEADER_BYTES):
            raise tarfile.ReadError(f"a header claims {header.size} bytes")
        return header


def _opened_tar(archive: Archive) -> tarfile.TarFile:
    """Packed with gzip, bzip2 or xz, or not at all."""
    try:
        if isinstance(archive, Path):
            return tarfile.open(archive, tarinfo=_StrictHeader)
        archive.seek(0)
        return tarfile.open(fileobj=archive, tarinfo=_StrictHeader)
    except tarfile.ReadError as error:  # its message lists what each way of unpacking said
        raise tarfile.ReadError("its beginning is neither a zip's nor a tar's") from error


def _tar_members(inside: Any) -> Members:
    end = -1
    while info := inside.next():
        if info.size < 0 or inside.offset <= end:
            raise tarfile.ReadError(f"{info.name!a} claims {info.size} bytes")
        end = inside.offset
        is_plain = info.isreg() and not info.issparse()
        yield Member(info.name, info.size, info.isdir(), is_plain), inside.extractfile(info) if is_plain else None
        inside.members.clear()  # it would keep every header
    # The sums over what was unpacked stand behind the padding.
    for _ in range(_MAX_PADDING_BYTES >> 20):
        if not inside.fileobj.read(1 << 20):
            break
