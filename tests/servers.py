"""Fixtures: one real PostgreSQL and one real Valkey for all tests of a run."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from selfsynth.stack.postgres import running_postgres
from selfsynth.stack.valkey import running_valkey


@dataclass(frozen=True)
class Postgres:
    """A running server by the SQLAlchemy URL of its first database."""

    url: str

    def create(self, template: str = "template1", name: str = "") -> str:
        """A new database, a copy of `template`. Returns its SQLAlchemy URL."""
        name = name or f"t{secrets.token_hex(6)}"
        self.execute(f'create database "{name}" template "{template}"')
        return f"{self.url.rsplit('/', 1)[0]}/{name}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with running_postgres(tmp_path_factory.mktemp("postgres")) as url:
        server = Postgres(url)
        # Tests' rows need not survive the machine.
        server.execute("alter system set fsync = off")
        server.execute("select pg_reload_conf()")
        yield server


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url
