"""Folders on their way to another machine."""

import io
import tarfile
from pathlib import Path

import pytest

from selfsynth.packing import Outgoing
from shared.errors import InvalidInput


def sent(path: Path, size: int = 1000, **options: object) -> bytes:
    with Outgoing(path, **options) as stream:  # type: ignore[arg-type]
        return b"".join(iter(lambda: stream.read(size), b""))


def unpacked(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 1])
def test_files_of_every_size_arrive_whole_and_in_order(tmp_path: Path, size: int) -> None:
    (tmp_path / "a class").mkdir()
    (tmp_path / "a class" / "1.png").write_bytes(b"x" * size)
    (tmp_path / "a class" / "2.png").write_bytes(b"second")
    assert unpacked(sent(tmp_path)) == {"a class/1.png": b"x" * size, "a class/2.png": b"second"}


def test_names_of_any_length_and_script_arrive(tmp_path: Path) -> None:
    name = f"{'long' * 40}/{'длинный' * 12}.png"
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"x")
    assert unpacked(sent(tmp_path)) == {name: b"x"}


def test_links_are_sent_as_what_they_lead_to_and_circles_end(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.png").write_bytes(b"one")
    folder = tmp_path / "birds"
    folder.mkdir()
    (folder / "wren").symlink_to(tmp_path / "elsewhere")
    (folder / "copy.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    (folder / "circle").symlink_to(folder)
    (folder / "broken.png").symlink_to(tmp_path / "none")
    assert unpacked(sent(folder)) == {"wren/1.png": b"one", "copy.png": b"one"}


def test_a_file_that_shrinks_while_it_is_read_ends_the_sending(tmp_path: Path) -> None:
    file = tmp_path / "1.png"
    file.write_bytes(b"x" * (3 << 20))
    with Outgoing(tmp_path) as stream:
        assert len(stream.read(512) + stream.read(1000)) == 1512
        file.write_bytes(b"")
        with pytest.raises(InvalidInput, match="shorter"):
            list(iter(lambda: stream.read(1 << 20), b""))


def test_an_archive_goes_as_it_is_and_the_bytes_are_told(tmp_path: Path) -> None:
    archive = tmp_path / "birds.TAR.gz"
    archive.write_bytes(b"z" * 5000)
    told: list[tuple[int, int]] = []
    assert sent(archive, on_sent=lambda done, total: told.append((done, total))) == b"z" * 5000
    assert told[-1] == (5000, 5000)
