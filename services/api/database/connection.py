"""The database by its URL: sessions, and the move to the newest schema. Lost connections are DatabaseUnavailable, and
text that PostgreSQL cannot hold is InvalidInput."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from tenacity import Retrying, retry, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.errors import InvalidInput, SystemFault

_MIGRATION_LOCK = 0x5E1F
_START_PATIENCE_S = 30
_SCHEMA_PATIENCE_S = 600


class DatabaseUnavailable(SystemFault):
    code = "database_unavailable"


class SchemaMissing(SystemFault):
    code = "schema_missing"


class Database:
    """Open sessions with `transaction` (read and write) or `snapshot` (read only, one consistent view)."""

    def __init__(self, url: str) -> None:
        # psycopg gives a connection's timeout in whole seconds.
        self.engine: Engine = create_engine(
            url, pool_size=10, max_overflow=20, pool_pre_ping=True, connect_args={"connect_timeout": 5}
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Committed when the block ends well, rolled back otherwise."""
        with _translated(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        with _translated(), self.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with Session(connection, expire_on_commit=False) as session:
                yield session

    def ping(self) -> None:
        with _translated(), self.engine.connect() as connection:
            connection.execute(text("select 1"))

    @retry(
        retry=retry_if_exception_type(DatabaseUnavailable),
        stop=stop_after_delay(_START_PATIENCE_S),
        wait=wait_fixed(0.3),
        reraise=True,
    )
    def migrate(self, to: str = "head") -> None:
        """Move up to a schema, the newest by default. Several processes may call it at once: one does it, the others
        wait."""
        with _translated(), self.engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            command.upgrade(_alembic(connection), to)

    def await_schema(self, within_s: float = _SCHEMA_PATIENCE_S) -> None:
        """Returns when the database has this release's schema. Raises SchemaMissing when it has not in time."""
        for attempt in Retrying(
            retry=retry_if_exception_type((DatabaseUnavailable, SchemaMissing)),
            stop=stop_after_delay(within_s),
            wait=wait_fixed(1),
            reraise=True,
        ):
            with attempt:
                self._check_schema()

    def _check_schema(self) -> None:
        with _translated(), self.engine.connect() as connection:
            wanted = ScriptDirectory.from_config(_alembic(connection)).get_current_head()
            found = MigrationContext.configure(connection).get_current_heads()
        if wanted not in found:
            raise SchemaMissing(
                f"the database has schema {', '.join(found) or 'none'}, and this release wants {wanted}",
                remedy="Run `python -m services.api.migrate` of this release.",
            )

    def close(self) -> None:
        self.engine.dispose()


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable(
            f"the database does not answer: {getattr(error, 'orig', error)}",
            remedy="Check SELFSYNTH_DATABASE_URL and that PostgreSQL runs.",
        ) from error
    except DataError as error:
        raise InvalidInput(
            f"the request holds something that cannot be stored: {error.orig}",
            remedy="Leave out NUL characters.",
        ) from error
