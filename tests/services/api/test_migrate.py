"""The migration as a program of its own, as an installation runs it before its coordinators."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import create_engine, inspect

from tests.servers import Postgres


def _migrate(secrets: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SELFSYNTH_")}
    environment = {**kept, "SELFSYNTH_SECRETS_DIR": str(secrets)}
    command = [sys.executable, "-m", "services.api.migrate"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_migrate_makes_the_tables_and_ends_however_often_it_is_run(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.create()
    (tmp_path / "selfsynth_database_url").write_text(url)
    for _ in range(2):
        ended = _migrate(tmp_path)
        assert ended.returncode == 0, ended.stderr
    assert "jobs" in inspect(create_engine(url)).get_table_names()


def test_migrate_names_the_setting_that_is_missing(tmp_path: Path) -> None:
    ended = _migrate(tmp_path)
    assert ended.returncode == 1
    assert "database_url" in ended.stderr
    assert "Traceback" not in ended.stderr
