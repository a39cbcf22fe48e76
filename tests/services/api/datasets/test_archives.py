"""Archives that are safe, and each kind of those that are not: refused, with nothing left behind."""

import gzip
import io
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.datasets.archives import check, is_archive, unpack
from shared.errors import InvalidInput

LIMIT = 1 << 30


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return path


def tarred(path: Path, *members: tarfile.TarInfo, body: bytes = b"", mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(body or b"x" * member.size))
    return path


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


def zip_kind(kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("odd")
    info.external_attr = (kind | 0o777) << 16
    return info


def both(folder: Path, *names: str) -> list[Path]:
    """A zip and a tar with files of these names."""
    files = [zipped(folder / "a.zip", *((name, b"x") for name in names))]
    return [*files, tarred(folder / "a.tar", *(member(name, 1) for name in names))]


def refused(archive: Path, says: str, limit_bytes: int = LIMIT, **limits: int) -> None:
    """By both functions, and nothing is left of what was unpacked before the bad member."""
    with pytest.raises(InvalidInput, match=says):
        check(archive, limit_bytes, **limits)
    refused_unpacking(archive, says, limit_bytes, **limits)


def refused_unpacking(archive: Path, says: str, limit_bytes: int = LIMIT, **limits: int) -> None:
    inside = archive.parent / "box" / "inside"
    with pytest.raises(InvalidInput, match=says):
        unpack(archive, inside, limit_bytes, **limits)
    assert list((archive.parent / "box").rglob("*")) == [inside]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_plain_files_are_unpacked_from_any_tar(tmp_path: Path, mode: str) -> None:
    folder = member("./birds", kind=tarfile.DIRTYPE)
    archive = tarred(tmp_path / "a", folder, member("./birds/3.png", 3), mode=mode)
    check(archive, LIMIT)
    unpack(archive, tmp_path / "out", LIMIT)
    assert (tmp_path / "out/birds/3.png").read_bytes() == b"xxx"
    assert is_archive(archive)


def test_plain_files_are_unpacked_from_a_zip_also_when_it_is_open_already(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a", ("birds/a/1.png", b"one"), ("birds/b/", b""), ("ü\\2.png", b"two"))
    with archive.open("rb") as file:
        check(file, LIMIT)
        unpack(file, tmp_path / "out", LIMIT)
    assert (tmp_path / "out/birds/a/1.png").read_bytes() == b"one"
    assert (tmp_path / "out/birds/b").is_dir()
    assert (tmp_path / "out/ü/2.png").read_bytes() == b"two"


def test_an_archive_within_an_archive_is_just_a_file(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("../x", b"x")).read_bytes()
    outer = tarred(tmp_path / "a.tar", member("inner.zip", len(inner)), body=inner)
    unpack(outer, tmp_path / "out", LIMIT)
    assert (tmp_path / "out/inner.zip").read_bytes() == inner


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "//x", "..\\x", "\\x", "C:\\x", "c:x"])
def test_a_name_that_would_land_outside_is_refused(tmp_path: Path, name: str) -> None:
    for archive in both(tmp_path, "ok", name):
        refused(archive, "outside")


@pytest.mark.parametrize("kind", ["SYMTYPE", "LNKTYPE", "FIFOTYPE", "CHRTYPE", "BLKTYPE", "GNUTYPE_SPARSE"])
def test_links_devices_and_files_with_holes_are_refused_in_a_tar(tmp_path: Path, kind: str) -> None:
    odd = member("odd", kind=getattr(tarfile, kind), link="ok")
    refused(tarred(tmp_path / "a.tar", member("ok", 1), odd), "link or a device")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused_in_a_zip(tmp_path: Path, kind: int) -> None:
    refused(zipped(tmp_path / "a.zip", ("ok", b"x"), (zip_kind(kind), b"/etc/passwd")), "link or a device")


@pytest.mark.parametrize(
    "name",
    ["a\nb", "a\x1b[2Jb", "a\x7fb", "\x80", "photo\u202egpj.exe"],
    ids=["newline", "escape", "del", "c1", "turn"],
)
def test_a_name_that_cannot_be_shown_is_refused(tmp_path: Path, name: str) -> None:
    for archive in both(tmp_path, name):
        refused(archive, "control characters")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        archive.addfile(member("M\udcfcller"))
    refused(tmp_path / "a.tar", "no text")
    body = zipped(tmp_path / "a.zip", ("M_ller", b"x")).read_bytes()
    (tmp_path / "a.zip").write_bytes(body.replace(b"M_ller", b"M\x81ller"))
    refused(tmp_path / "a.zip", "not in UTF-8")


def test_a_zip_name_in_utf8_without_the_mark_is_read_as_meant(tmp_path: Path) -> None:
    body = zipped(tmp_path / "a.zip", ("M__ller", b"x")).read_bytes()
    (tmp_path / "a.zip").write_bytes(body.replace(b"M__ller", "Müller".encode()))
    unpack(tmp_path / "a.zip", tmp_path / "out", LIMIT)
    assert (tmp_path / "out/Müller").read_bytes() == b"x"


def test_a_name_with_nul_is_refused(tmp_path: Path) -> None:
    body = zipped(tmp_path / "a.zip", ("a.png_.exe", b"x")).read_bytes()
    (tmp_path / "a.zip").write_bytes(body.replace(b"a.png_.exe", b"a.png\0.exe"))
    refused(tmp_path / "a.zip", "control characters")


@pytest.mark.parametrize("name", ["n" * 241, "d/" * 33 + "x", "/".join(["d" * 200] * 6)])
def test_a_name_that_no_disk_takes_is_refused(tmp_path: Path, name: str) -> None:
    for archive in both(tmp_path, name):
        refused(archive, "too long")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("a/x.png", "A/y.png"), "only in case"),
        (("x.png", "X.PNG"), "only in case"),
        (("\u00e9", "e\u0301"), "accents"),
        (("straße", "STRASSE"), "only in case"),
        (("a/b", "a"), "file and a folder"),
        (("a", "a/b"), "file and a folder"),
        (("a", "./a"), "twice"),
    ],
)
def test_two_names_that_land_in_one_place_are_refused(tmp_path: Path, names: tuple[str, str], says: str) -> None:
    for archive in both(tmp_path, *names):
        refused(archive, says)


def test_more_bytes_or_files_than_the_limit_are_refused(tmp_path: Path) -> None:
    for archive in both(tmp_path, "a", "b", "c"):
        check(archive, limit_bytes=3, max_members=3)
        refused(archive, "more than 2 bytes", limit_bytes=2)
        refused(archive, "or 2 files", max_members=2)


def test_what_shrinks_as_no_image_does_is_refused(tmp_path: Path) -> None:
    zeros = bytes(80 << 20)
    refused(zipped(tmp_path / "a.zip", ("zeros", zeros)), "times its size")
    refused(tarred(tmp_path / "a.tgz", member("zeros", len(zeros)), body=zeros, mode="w:gz"), "times its size")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    body = bytearray(zipped(tmp_path / "a.zip", ("x", b"x")).read_bytes())
    body[body.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(body)
    refused(tmp_path / "a.zip", "encrypted")


def test_a_zip_that_claims_other_sizes_than_it_has_is_refused(tmp_path: Path) -> None:
    body = bytearray(zipped(tmp_path / "a.zip", ("x", b"y" * 5000)).read_bytes())
    struct.pack_into("<I", body, body.index(b"PK\x01\x02") + 24, 50)
    (tmp_path / "a.zip").write_bytes(body)
    refused_unpacking(tmp_path / "a.zip", "no readable|not as large")


def test_a_zip_with_an_index_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    body = bytearray(zipped(tmp_path / "a.zip", ("x", b"x")).read_bytes())
    struct.pack_into("<I", body, body.rindex(b"PK\x05\x06") + 12, 1 << 30)
    (tmp_path / "a.zip").write_bytes(body)
    refused(tmp_path / "a.zip", "index alone")


@pytest.mark.parametrize("kind", ["XHDTYPE", "XGLTYPE", "GNUTYPE_LONGNAME", "GNUTYPE_LONGLINK"])
def test_a_tar_header_that_fills_the_memory_is_refused(tmp_path: Path, kind: str) -> None:
    huge = member("huge", 64 << 20, getattr(tarfile, kind))
    blocks = huge.tobuf(tarfile.GNU_FORMAT) + bytes(64 << 20) + member("x").tobuf() + bytes(1024)
    (tmp_path / "a.tgz").write_bytes(gzip.compress(member("ok").tobuf() + blocks, 1))
    refused(tmp_path / "a.tgz", "header claims")


def test_a_tar_that_goes_round_in_circles_is_refused(tmp_path: Path) -> None:
    """A pax header may claim that a file has a negative size, so that the next one is found before it."""
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member("ok"))
        back = member("back")
        back.pax_headers = {"size": "-4096"}
        archive.addfile(back)
    refused(tmp_path / "a.tar", "claims -4096 bytes|no readable")


def test_a_tar_that_ends_early_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    """Between two files tarfile alone would take it for the end."""
    whole = tarred(tmp_path / "a.tar", member("a", 600), member("b", 600)).read_bytes()
    for cut in (0, 100, 512, 700, 1536, 1600, 2048, 2500, 3072):
        (tmp_path / "a.tar").write_bytes(whole[:cut])
        refused(tmp_path / "a.tar", "no readable")


def test_damage_in_the_middle_of_a_tar_is_refused(tmp_path: Path) -> None:
    body = bytearray(tarred(tmp_path / "a.tar", member("a", 600), member("b", 600)).read_bytes())
    body[1536 + 10] ^= 0xFF
    (tmp_path / "a.tar").write_bytes(body)
    refused(tmp_path / "a.tar", "damaged")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_packed_tar_that_is_cut_or_damaged_is_refused(tmp_path: Path, mode: str) -> None:
    noise = random.Random(0).randbytes(200_000)
    whole = tarred(tmp_path / "a", member("a", len(noise)), body=noise, mode=mode).read_bytes()
    (tmp_path / "a").write_bytes(whole[: len(whole) // 2])
    refused_unpacking(tmp_path / "a", "no readable")
    (tmp_path / "a").write_bytes(whole[:1000] + bytes(2000) + whole[3000:])
    refused_unpacking(tmp_path / "a", "no readable")


def test_a_zip_that_is_cut_or_damaged_is_refused(tmp_path: Path) -> None:
    noise = random.Random(0).randbytes(20_000)
    whole = zipped(tmp_path / "a.zip", ("a", noise)).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[:-100])
    refused(tmp_path / "a.zip", "no readable")
    (tmp_path / "a.zip").write_bytes(whole[:5000] + b"damage" + whole[5006:])
    refused_unpacking(tmp_path / "a.zip", "no readable")


def test_a_tar_of_zips_is_not_taken_for_a_zip(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("x", b"x")).read_bytes()
    archive = tarred(tmp_path / "a.tar", member("z.zip", len(inner)), body=inner)
    unpack(archive, tmp_path / "out", LIMIT)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["z.zip"]


@pytest.mark.parametrize("body", [b"", b"no archive", b"PK\x03\x04 no archive"])
def test_what_is_no_archive_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "x").write_bytes(body)
    refused(tmp_path / "x", "no readable zip or tar")


# Printable, and different letters stay different however a disk compares them.
names = st.text(st.sampled_from("abcdefg 0123_-.é漢🐦"), min_size=1, max_size=8).filter(lambda n: n not in (".", ".."))
trees = st.recursive(st.binary(max_size=40), lambda below: st.dictionaries(names, below, max_size=4), max_leaves=12)


def files_of(tree: object, above: str = "") -> Iterable[tuple[str, bytes]]:
    if isinstance(tree, dict):
        for name, below in tree.items():
            yield from files_of(below, f"{above}/{name}" if above else name)
    else:
        assert isinstance(tree, bytes)
        yield above, tree


@settings(max_examples=60, deadline=None)
@given(tree=st.dictionaries(names, trees, max_size=4), is_zip=st.booleans())
def test_any_tree_of_files_is_unpacked_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object], is_zip: bool
) -> None:
    folder, expected = tmp_path_factory.mktemp("tree"), dict(files_of(tree))
    pack(folder / "archive", expected.items(), is_zip)
    unpack(folder / "archive", folder / "out", LIMIT)
    unpacked = {p.relative_to(folder / "out").as_posix(): p for p in (folder / "out").rglob("*") if p.is_file()}
    assert {name: path.read_bytes() for name, path in unpacked.items()} == expected


hostile = st.lists(
    st.sampled_from(["..", ".", "", "a", "A", "~", "C:", "\\", "\n", "\ud800", "é", "x" * 300]), max_size=5
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=100, deadline=None)
@given(parts=st.lists(hostile, min_size=1, max_size=4), joint=st.sampled_from("/\\"), is_zip=st.booleans())
def test_whatever_the_names_nothing_lands_outside(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[str]], joint: str, is_zip: bool
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    pack(folder / "archive", [(joint.join(each), b"x") for each in parts], is_zip)
    inside = folder / "box" / "inside"
    try:
        unpack(folder / "archive", inside, LIMIT)
    except InvalidInput:
        assert list(inside.rglob("*")) == []
    assert {path.name for path in folder.iterdir()} <= {"archive", "box"}
    assert list((folder / "box").iterdir()) == [inside]


def pack(path: Path, files: Iterable[tuple[str, bytes]], is_zip: bool) -> None:
    if is_zip:
        with zipfile.ZipFile(path, "w") as archive:
            for name, body in files:
                archive.writestr(name.replace("\ud800", "\x01") or "/", body)
        return
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, errors="surrogatepass") as archive:
        for name, body in files:
            archive.addfile(member(name, len(body)), io.BytesIO(body))
