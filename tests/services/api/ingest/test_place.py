"""Bringing a data set to where it can be read."""

import io
import tarfile
from pathlib import Path

import pytest

from services.api.datasets.request import Source
from services.api.ingest.place import placed
from shared.errors import InvalidInput, StepInterrupted
from shared.objects import ObjectStore


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, for this test alone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def go_on() -> None:
    """Nobody asks to stop."""


def left_behind(temporary: Path) -> list[Path]:
    return [path for path in temporary.glob("*/*") if path.is_dir()]


def test_objects_below_a_prefix_become_files_and_no_file_stays(store: ObjectStore, temporary: Path) -> None:
    bodies = {f"class {k}/{n}.png": bytes([k, n]) for k in range(3) for n in range(30)}
    for name, body in bodies.items():
        store.put(f"imports/birds/{name}", body)
    store.put("imports/birds-of-others/x.png", b"x")
    with placed(store, Source(prefix="imports/birds/"), (), 10_000, go_on) as place:
        found = {p.relative_to(place.path).as_posix(): p.read_bytes() for p in place.path.rglob("*") if p.is_file()}
        assert place.roots == (place.path,)
    assert found == bodies
    assert left_behind(temporary) == []


def test_a_prefix_may_be_one_archive(store: ObjectStore) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("birds/1.png")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"one"))
    store.put("imports/birds.tar.gz", packed.getvalue())
    with placed(store, Source(prefix="imports/birds.tar.gz"), (), 10_000, go_on) as place:
        assert (place.path / "birds/1.png").read_bytes() == b"one"
        assert not list(place.path.parent.glob("archive*"))


def test_more_bytes_than_allowed_are_refused_and_nothing_stays(store: ObjectStore, temporary: Path) -> None:
    for n in range(5):
        store.put(f"imports/birds/{n}.png", b"x" * 1000)
    with (
        pytest.raises(InvalidInput, match="larger than 4000 bytes"),
        placed(store, Source(prefix="imports/birds"), (), 4000, go_on),
    ):
        raise AssertionError
    assert left_behind(temporary) == []


def test_a_copy_stops_when_it_is_told_to(store: ObjectStore, temporary: Path) -> None:
    for n in range(100):
        store.put(f"imports/birds/{n}.png", b"x")
    calls = iter(range(50))

    def stop() -> None:
        if next(calls, None) is None:
            raise StepInterrupted

    with pytest.raises(StepInterrupted), placed(store, Source(prefix="imports/birds"), (), 4000, stop):
        raise AssertionError
    assert left_behind(temporary) == []


def test_a_path_is_read_where_it_lies(store: ObjectStore, tmp_path: Path) -> None:
    with placed(store, Source(path=str(tmp_path)), (tmp_path,), 0, go_on) as place:
        assert (place.path, place.roots) == (tmp_path, (tmp_path,))
