"""The stack's database as a file and back, by PostgreSQL's own programs. Knows no table but those it is asked about."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from selfsynth.stack.ports import LOOPBACK
from selfsynth.stack.postgres import DATABASE, USER, binary, plain_environment
from selfsynth.stack.record import StackRecord
from shared.errors import StoreFull, SystemFault

_TAIL_LINES = 6
_BETWEEN = "\t"


def dump(record: StackRecord, target: Path) -> None:
    """One consistent view of all tables, compressed; whoever writes meanwhile is not held up. Raises SystemFault."""
    _run(record, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", DATABASE)


def load(record: StackRecord, source: Path) -> None:
    """Into an empty database, whole or not at all. Raises SystemFault with PostgreSQL's words."""
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={DATABASE}")
    _run(record, "pg_restore", *options, str(source))


def rows(record: StackRecord, query: str) -> list[tuple[str, ...]]:
    """The rows of a query as text. Raises SystemFault with PostgreSQL's words."""
    told = _run(record, "psql", "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", f"-F{_BETWEEN}", "-c", query, DATABASE)
    return [tuple(line.split(_BETWEEN)) for line in told.splitlines()]


def server_major(record: StackRecord) -> int:
    return int(rows(record, "show server_version_num")[0][0]) // 10_000


def schema_revision(record: StackRecord) -> str | None:
    """None: no coordinator has made the tables yet."""
    there = rows(record, "select to_regclass('alembic_version') is not null")[0][0] == "t"
    return rows(record, "select version_num from alembic_version")[0][0] if there else None


def _run(record: StackRecord, name: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(binary(name)), *arguments], env=_environment(record), capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = "\n".join(done.stderr.strip().splitlines()[-_TAIL_LINES:])
        if "no space left" in words.lower():
            raise StoreFull(f"{name} found no room: {words}", remedy="Free space on that disk, then start again.")
        raise SystemFault(
            f"{name} failed: {words}", remedy="Mend what it says, then start again.", code="backup_failed"
        )
    return done.stdout


def _environment(record: StackRecord) -> Mapping[str, str]:
    """The password goes by the environment, since a command line can be read by every user of the machine."""
    reach = {"PGHOST": LOOPBACK, "PGPORT": str(record.ports["postgres"]), "PGUSER": USER}
    return {**plain_environment(), **reach, "PGPASSWORD": record.keys.postgres}
