"""A job that was half done when the coordinator was replaced by one of a later schema."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData, func, select, text

from services.api.database.connection import Database
from services.api.database.models import Base
from services.api.database.revisions import known_revisions
from services.api.settings import ApiSettings
from tests.servers import Postgres
from tests.services.api.conftest import ready_dataset, serving


@pytest.fixture
def first_schema(postgres: Postgres) -> Database:
    database = Database(postgres.create())
    database.migrate(known_revisions()[0])
    return database


def _copy_rows(new: Database, old: Database) -> None:
    """All rows, as far as the old schema has columns for them; identities are given anew."""
    with new.engine.connect() as source, old.engine.begin() as target:
        known = MetaData()
        known.reflect(target)
        for table in Base.metadata.sorted_tables:
            there = known.tables.get(table.name)
            if there is None:
                continue
            kept = [column for column in table.columns if column.name in there.columns and not column.identity]
            for row in source.execute(select(*kept)):
                values = {column.name: value for column, value in zip(kept, row, strict=True) if value is not None}
                target.execute(there.insert().values(values))


def test_a_half_done_job_of_the_first_schema_goes_on_after_the_upgrade(
    new_settings: Callable[[Path], ApiSettings], first_schema: Database, tmp_path: Path
) -> None:
    settings = new_settings(tmp_path)
    with serving(settings) as stack:
        job = stack.job(ready_dataset(stack, tmp_path), rounds=2)["id"]
        stack.play_until(lambda: stack.get(f"/jobs/{job}")["position"] == {"round": 1, "step": "train"})
        before = stack.get(f"/jobs/{job}")["rounds"]
    new = Database(settings.database_url.get_secret_value())
    _copy_rows(new, first_schema)
    new.close()
    first_schema.close()
    url = first_schema.engine.url.render_as_string(hide_password=False)
    with serving(settings.model_copy(update={"database_url": SecretStr(url)})) as stack:
        assert stack.get(f"/jobs/{job}")["rounds"][0] == before[0]
        stack.play_until(lambda: stack.get(f"/jobs/{job}")["is_terminal"])
        done = stack.get(f"/jobs/{job}")
    assert (done["status"], done["error"]) == ("succeeded", None)
    attempts = {step["step"]: step["attempts"] for step in done["rounds"][1]["steps"]}
    assert attempts == {"describe": 1, "select_concepts": 1, "synthesise": 1, "train": 1, "evaluate": 1}


def test_the_revisions_that_are_known_are_those_of_the_migrations(first_schema: Database) -> None:
    first_schema.migrate()
    with first_schema.engine.connect() as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalars().all() == [
            known_revisions()[-1]
        ]
        assert connection.execute(select(func.count()).select_from(Base.metadata.tables["jobs"])).scalar() == 0
    first_schema.close()
