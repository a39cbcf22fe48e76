"""`python -m services.api.migrate`: moves the database to the newest schema, and ends.

Several may run at once: one does it, the others wait. A coordinator does the same when it starts; this is for
installations where it shall be done, or have failed, before any coordinator is replaced.
"""

import sys

import structlog
from pydantic import ValidationError

from services.api.database.connection import Database
from services.api.settings import MigrationSettings
from shared.errors import SelfSynthError
from shared.logs import configure

log = structlog.get_logger(__name__)


def main() -> None:
    try:
        settings = MigrationSettings()
        configure("migrate", settings.log_level)
        migrate(settings.database_url.get_secret_value())
    except ValidationError as error:
        sys.exit(f"error: {error}\nSet what it names, as SELFSYNTH_* or as a file of that name among the secrets.")
    except SelfSynthError as error:
        sys.exit(f"error: {error.message}\n{error.remedy}")
    log.info("the database has the newest schema")


def migrate(url: str) -> None:
    """Raises DatabaseUnavailable when the database does not answer for half a minute."""
    database = Database(url)
    try:
        database.migrate()
    finally:
        database.close()


if __name__ == "__main__":
    main()
