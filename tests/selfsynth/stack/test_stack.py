"""The databases of the stack, with the real binaries: start, stop, restart, kill, and what users do wrong."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from selfsynth.stack import Stack, StackOptions, StackRecord, find_running, running_postgres, running_valkey
from selfsynth.stack.lock import is_held
from selfsynth.stack.ports import LOOPBACK, free_port
from shared.errors import Conflict, InvalidInput, NotFound, StoreFull, SystemFault

_SOURCE_ROOT = Path(__file__).parents[3]
_UP = """
import sys, time
from pathlib import Path
from selfsynth.stack import Stack
with Stack(Path(sys.argv[1]), services=()) as stack:
    print("on", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a stack's folder"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """For tests that only look at it."""
    with Stack(tmp_path_factory.mktemp("running"), services=()) as stack:
        yield stack


def _sql(record: StackRecord, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(record.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _up(folder: Path, *prefix: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [*prefix, sys.executable, "-c", _UP, str(folder)], stdout=subprocess.PIPE, cwd=_SOURCE_ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    return process


def test_a_stop_leaves_no_process_and_a_restart_keeps_data_keys_and_ports(folder: Path) -> None:
    of_others = set(psutil.Process().children(recursive=True))
    with Stack(folder, services=()) as stack:
        before = stack.record
        below = set(psutil.Process().children(recursive=True)) - of_others
        _sql(before, "CREATE TABLE t AS SELECT 7 AS n")
        Redis.from_url(before.redis_url).set("k", "v")
    assert len(below) > 4
    assert not [process for process in below if process.is_running()]
    with Stack(folder, services=()) as stack:
        assert stack.record == before
        assert _sql(stack.record, "SELECT n FROM t") == [(7,)]
        assert Redis.from_url(stack.record.redis_url).get("k") == b"v"


def test_acknowledged_writes_survive_sigkill_and_a_start_right_after_it(folder: Path) -> None:
    with _up(folder) as process:
        record = find_running(folder)
        below = psutil.Process(process.pid).children(recursive=True)
        _sql(record, "CREATE TABLE t AS SELECT 7 AS n")
        Redis.from_url(record.redis_url).set("k", "v")
        process.kill()
    with Stack(folder, services=()) as stack:
        assert _sql(stack.record, "SELECT n FROM t") == [(7,)]
        assert Redis.from_url(stack.record.redis_url).get("k") == b"v"
        _, alive = psutil.wait_procs(below, timeout=10)
        assert not alive


def test_killed_databases_come_back_with_their_data(folder: Path) -> None:
    with Stack(folder, services=()) as stack:
        _sql(stack.record, "CREATE TABLE t AS SELECT 7 AS n")
        Redis.from_url(stack.record.redis_url).set("k", "v")
        first = [stack.process(name).pid for name in ("postgres", "valkey")]
        stack.process("postgres").kill()
        stack.process("valkey").kill()
        stack.await_ready()
        assert not {stack.process(name).pid for name in ("postgres", "valkey")} & set(first)
        assert _sql(stack.record, "SELECT n FROM t") == [(7,)]
        assert Redis.from_url(stack.record.redis_url).get("k") == b"v"


def test_a_second_stack_on_the_folder_is_refused_and_names_the_first(running: Stack) -> None:
    with pytest.raises(Conflict, match=rf"already \(pid {os.getpid()}\)"):
        Stack(running.folder, services=()).start()
    assert _sql(running.record, "SELECT 1") == [(1,)]


def test_a_named_port_that_is_taken_is_refused_before_anything_starts(folder: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=f"port {port}"):
            Stack(folder, StackOptions(port=port), services=()).start()
    assert not (folder / "postgres").exists()


def test_a_named_port_is_used_and_ports_of_the_last_run_that_are_taken_now_are_replaced(folder: Path) -> None:
    with Stack(folder, services=()) as stack:
        before = stack.record
    options = StackOptions(port=free_port(None))
    with socket.create_server((LOOPBACK, before.ports["postgres"])), Stack(folder, options, services=()) as stack:
        assert stack.url == f"http://127.0.0.1:{options.port}"
        assert stack.record.ports["postgres"] != before.ports["postgres"]
        assert stack.record.ports["valkey"] == before.ports["valkey"]
        assert _sql(stack.record, "SELECT 1") == [(1,)]


def test_the_record_is_for_its_owner_and_tells_clients_what_they_need(running: Stack) -> None:
    path = running.folder / "stack.json"
    told = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (told["url"], told["keys"]["api"]) == (running.url, running.api_key)
    assert find_running(running.folder) == running.record
    assert running.api_key not in repr(running.record)


def test_no_key_stands_on_a_command_line(running: Stack) -> None:
    lines = " ".join(" ".join(process.cmdline()) for process in psutil.Process().children(recursive=True))
    assert "postgres" in lines
    assert not [key for key in running.record.keys.model_dump().values() if key in lines]


def test_wrong_passwords_are_refused(running: Stack) -> None:
    keys = running.record.keys
    wrong = running.record.database_url.replace("+psycopg", "").replace(keys.postgres, "x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    with pytest.raises(AuthenticationError):
        Redis.from_url(running.record.redis_url.replace(keys.valkey, "x")).ping()


def test_a_stopped_stack_is_not_found_and_a_lost_record_beside_its_database_is_told(folder: Path) -> None:
    with Stack(folder, services=()):
        pass
    with pytest.raises(NotFound, match="no stack runs"):
        find_running(folder)
    (folder / "stack.json").unlink()
    with pytest.raises(SystemFault, match=r"no stack\.json"):
        Stack(folder, services=()).start()
    assert is_held(folder) is False


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be made"):
        Stack(tmp_path / "file", services=()).start()


def test_a_missing_model_is_told_before_anything_starts(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no config\.json"):
        Stack(folder, StackOptions(model_path=folder / "nowhere")).start()
    assert not (folder / "postgres").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs privileges")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_without_room_is_refused(small_disk: Path) -> None:
    with pytest.raises(StoreFull, match=r"has 20 MiB left; a stack needs \d+ MiB"):
        Stack(small_disk / "stack", services=()).start()
    assert not list((small_disk / "stack").iterdir())


def test_a_disk_that_fills_while_the_database_is_made_is_told(small_disk: Path) -> None:
    with (
        pytest.raises(SystemFault, match=r"No space left on device|free disk space") as caught,
        running_postgres(small_disk / "pg"),
    ):
        pass
    assert "Free space" in caught.value.remedy
    assert [path.name for path in (small_disk / "pg").iterdir()] == ["initdb.log"]


def _as_another_user() -> tuple[str, ...]:
    """Run as nobody, able to read what root may read (the interpreter may lie below root's home), to write nothing."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become another user")
    ids = ("--reuid=65534", "--regid=65534", "--clear-groups")
    prefix = ("setpriv", *ids, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this container does not let root become another user")
    return prefix


def test_the_stack_works_for_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    prefix = _as_another_user()
    home = tmp_path_factory.mktemp("home")
    os.chown(home, 65534, 65534)
    with _up(home / "stack", *prefix) as process:
        assert psutil.Process(process.pid).uids().effective == 65534
        record = find_running(home / "stack")
        assert _sql(record, "SELECT 1") == [(1,)]
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive


def test_single_servers_run_for_tests(tmp_path: Path) -> None:
    with running_postgres(tmp_path / "pg") as database, running_valkey(tmp_path / "valkey") as queue:
        assert psycopg.connect(database.replace("+psycopg", "")).execute("SELECT uuidv7() IS NOT NULL").fetchone() == (
            True,
        )
        assert Redis.from_url(queue).config_get("appendfsync") == {"appendfsync": "always"}
