"""Uploads that are safe, and those that are not."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from services.api.datasets.archives import check, unpack
from shared.errors import InvalidInput

LIMIT = 1000


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return path


def tarred(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, link
    return member


def zip_link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_plain_files_are_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("birds/a/1.png", b"one"), ("birds/b/2.png", b"two"))
    check(archive, LIMIT)
    unpack(archive, tmp_path / "out", LIMIT)
    assert (tmp_path / "out/birds/b/2.png").read_bytes() == b"two"
    packed = tarred(tmp_path / "a.tgz", tar_member("birds", tarfile.DIRTYPE), tar_member("birds/3.png", size=3))
    check(packed, LIMIT)
    unpack(packed, tmp_path / "out", LIMIT)
    assert (tmp_path / "out/birds/3.png").read_bytes() == b"xxx"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..\\x", "C:\\x"])
def test_a_member_that_would_land_outside_refuses_the_archive(tmp_path: Path, name: str) -> None:
    for archive in (
        zipped(tmp_path / "a.zip", ("ok", b""), (name, b"x")),
        tarred(tmp_path / "a.tar", tar_member(name)),
    ):
        with pytest.raises(InvalidInput, match="outside"):
            check(archive, LIMIT)
        with pytest.raises(InvalidInput, match="outside"):
            unpack(archive, tmp_path / "out", LIMIT)


def test_links_and_devices_refuse_the_archive(tmp_path: Path) -> None:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE)
    archives = [tarred(tmp_path / f"{k!r}.tar", tar_member("x", k, link="/etc/passwd")) for k in kinds]
    for archive in [*archives, zipped(tmp_path / "a.zip", (zip_link(), b"/etc/passwd"))]:
        with pytest.raises(InvalidInput, match="link or a device"):
            check(archive, LIMIT)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "bomb.zip", ("zeros", b"\0" * 100_000))
    with pytest.raises(InvalidInput, match="more than"):
        check(archive, LIMIT)
    with pytest.raises(InvalidInput, match="more than"):
        unpack(archive, tmp_path / "out", LIMIT)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no archive")
    with pytest.raises(InvalidInput, match="no readable zip or tar"):
        check(tmp_path / "x", LIMIT)
