"""The migrations make the tables that the models name."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from services.api.database.connection import Database, SchemaMissing
from services.api.database.models import Base
from tests.servers import Postgres


def test_migrations_lead_to_the_models(postgres: Postgres) -> None:
    database = Database(postgres.create())
    database.migrate()
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()


def test_two_coordinators_may_migrate_at_once(postgres: Postgres) -> None:
    url = postgres.create()
    databases = [Database(url), Database(url)]
    errors: list[BaseException] = []

    def migrate(database: Database) -> None:
        try:
            database.migrate()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=migrate, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert "jobs" in inspect(databases[0].engine).get_table_names()
    for database in databases:
        database.close()


def test_a_coordinator_that_may_not_migrate_waits_until_another_program_did(postgres: Postgres) -> None:
    database = Database(postgres.create())
    with pytest.raises(SchemaMissing, match="has schema none"):
        database.await_schema(within_s=0.1)
    threading.Timer(0.5, database.migrate).start()
    database.await_schema(within_s=30)
    assert "jobs" in inspect(database.engine).get_table_names()
    database.close()
