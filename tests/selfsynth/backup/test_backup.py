"""Backups of a stack, what they are restored to, and what users do wrong. Whole jobs: tests/faults/test_restore.py."""

import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from selfsynth.backup import BackupNote, back_up, restore
from selfsynth.backup.note import DUMP, OBJECTS
from selfsynth.cli import main
from selfsynth.stack import Stack
from shared.errors import Conflict, InvalidInput, NotFound, SelfSynthError
from shared.objects import open_store
from tests.selfsynth.backup.rows import fill


@dataclass
class Made:
    """A backup, the stopped stack that it was made of, and the key of the one accepted manifest."""

    folder: Path
    stack: Path
    note: BackupNote
    manifest: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Made while the stack ran. Tests that damage it take a copy."""
    folder = tmp_path_factory.mktemp("backup")
    with Stack(folder / "stack", services=()) as stack:
        ref = fill(stack.record)
        Redis.from_url(stack.record.redis_url).set("a message", "1")
        note = back_up(stack.folder, folder / "backup")
    return Made(folder / "backup", folder / "stack", note, ref.key)


@pytest.fixture(scope="module")
def restored(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("restored")  # an empty folder is a new one
    restore(made.folder, folder)
    with Stack(folder, services=()) as stack:
        yield stack


def test_a_restored_stack_has_all_rows_and_an_empty_queue(restored: Stack, made: Made) -> None:
    with psycopg.connect(restored.record.database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("select key from artefacts").fetchall() == [(made.manifest,)]
        # Identities go on where they were.
        connection.execute("insert into events (job_id, kind, message) select id, 'k', 'm' from jobs")
    assert Redis.from_url(restored.record.redis_url).keys() == []


def test_it_has_all_objects_but_pointers_to_adapters_that_no_row_knows(restored: Stack, made: Made) -> None:
    before, after = (dict(open_store((each / OBJECTS).as_uri()).walk("")) for each in (made.stack, restored.folder))
    assert before.pop("adapters/of a later round.json")
    assert after == before
    assert made.note.lacking == ()


def test_it_has_keys_of_its_own_and_they_are_in_no_backup(restored: Stack, made: Made) -> None:
    assert restored.record.keys.api not in (made.stack / "stack.json").read_text()
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "backup.json",
        "database.dump",
        "objects",
        "objects.json",
    ]
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700


def test_a_stopped_stack_is_backed_up_and_stays_stopped(made: Made, tmp_path: Path) -> None:
    note = back_up(made.stack, tmp_path / "new" / "backup")
    assert (note.objects, note.revision) == (made.note.objects, made.note.revision)
    assert not (made.stack / "postgres" / "postmaster.pid").exists()


def test_objects_that_rows_name_and_the_store_lost_are_told(made: Made, tmp_path: Path) -> None:
    stack = tmp_path / "stack"
    shutil.copytree(made.stack, stack)
    [part] = (stack / OBJECTS).glob("**/p00000-a1.parquet")
    part.write_bytes(b"other bytes")
    note = back_up(stack, tmp_path / "backup")
    assert note.lacking == (str(part.relative_to(stack / OBJECTS)),)
    part.unlink()
    assert back_up(stack, tmp_path / "second").lacking == note.lacking


@pytest.mark.parametrize("damaged", [DUMP, "objects.json", f"{OBJECTS}/adapters/known.json"])
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(made: Made, tmp_path: Path, damaged: str, how: str) -> None:
    shutil.copytree(made.folder, tmp_path / "backup")
    file = tmp_path / "backup" / damaged
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(InvalidInput, match=Path(damaged).stem) as refused:
        restore(tmp_path / "backup", tmp_path / "new")
    assert refused.value.code == "backup_damaged"
    assert not list(tmp_path.glob("new*"))


@pytest.mark.parametrize(
    "later", [{"format": 2}, {"revision": "9999"}, {"postgres": 99}], ids=["format", "schema", "postgres"]
)
def test_a_backup_of_a_later_release_is_refused(made: Made, tmp_path: Path, later: dict[str, object]) -> None:
    shutil.copytree(made.folder, tmp_path / "backup")
    made.note.model_copy(update=later).write(tmp_path / "backup")
    with pytest.raises(InvalidInput) as refused:
        restore(tmp_path / "backup", tmp_path / "new")
    assert refused.value.code == "backup_too_new"
    assert not list(tmp_path.glob("new*"))


def test_a_dump_that_postgres_refuses_is_told_in_its_words(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "backup")
    (tmp_path / "backup" / DUMP).write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    made.note.model_copy(update={"dump_sha256": empty}).write(tmp_path / "backup")
    with pytest.raises(SelfSynthError, match="pg_restore failed: pg_restore: error: input file is too short"):
        restore(tmp_path / "backup", tmp_path / "new")


def test_what_is_there_is_never_written_over(made: Made, restored: Stack) -> None:
    with pytest.raises(Conflict, match="not an empty folder"):
        back_up(made.stack, made.folder)
    with pytest.raises(Conflict, match="not an empty folder"):
        restore(made.folder, made.stack)
    with pytest.raises(Conflict, match="a stack runs on"):
        restore(made.folder, restored.folder)


def test_a_backup_into_the_stack_itself_is_refused(made: Made) -> None:
    with pytest.raises(InvalidInput, match="the stack's own folder"):
        back_up(made.stack, made.stack / OBJECTS / "backup")


def test_a_stack_whose_coordinator_never_ran_can_be_backed_up(tmp_path: Path) -> None:
    with Stack(tmp_path / "stack", services=()) as stack:
        note = back_up(stack.folder, tmp_path / "backup")
    assert (note.revision, note.objects) == (None, 0)
    restore(tmp_path / "backup", tmp_path / "new")


def test_a_folder_that_is_no_stack_or_no_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no stack in"):
        back_up(tmp_path / "none", tmp_path / "backup")
    with pytest.raises(InvalidInput, match=r"holds no backup\.json"):
        restore(tmp_path, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_the_commands_tell_what_they_did_and_what_is_wrong(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = str(tmp_path / "new")
    for command, code in (("restore", 0), ("backup", 1)):
        with pytest.raises(SystemExit) as ended:
            main([command, str(made.folder), "--folder", new])
        assert ended.value.code == code
    told = capsys.readouterr()
    assert f"restored into {new}; start it: `selfsynth up --folder {new}`" in told.out
    assert f"error: {made.folder} is there and not an empty folder" in told.err
