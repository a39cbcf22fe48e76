"""`python -m services.api.migrate`: moves the database to the newest schema, and ends.

Several may run at once: one does it, the others wait. A coordinator does the same when it starts; this is for
installations where it shall be done, or have failed, before any coordinator is replaced. With `--make-bucket` it also
makes the object store's bucket.
"""

import argparse
import sys

import structlog
from pydantic import ValidationError

from services.api.bucket import make_bucket
from services.api.database.connection import Database
from services.api.settings import MigrationSettings
from shared.errors import SelfSynthError
from shared.logs import configure
from shared.settings import ServiceSettings

log = structlog.get_logger(__name__)


def main() -> None:
    arguments = _parser().parse_args()
    try:
        settings = MigrationSettings()
        configure("migrate", settings.log_level)
        migrate(settings.database_url.get_secret_value())
        if arguments.make_bucket:
            store = ServiceSettings()
            make_bucket(store.store_url, store.store_options)
    except ValidationError as error:
        sys.exit(f"error: {error}\nSet what it names, as SELFSYNTH_* or as a file of that name among the secrets.")
    except SelfSynthError as error:
        sys.exit(f"error: {error.message}\n{error.remedy}")


def migrate(url: str) -> None:
    """Raises DatabaseUnavailable when the database does not answer for half a minute."""
    database = Database(url)
    try:
        database.migrate()
    finally:
        database.close()
    log.info("the database has the newest schema")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.api.migrate", description="Move to the newest schema.")
    parser.add_argument("--make-bucket", action="store_true", help="make the object store's bucket, too")
    return parser


if __name__ == "__main__":
    main()
