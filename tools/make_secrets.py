"""`python3 tools/make_secrets.py [FOLDER]`: makes the keys and passwords that docker-compose.yml mounts, each a file.

What is there already stays as it is: a database keeps the password it was made with. Needs Python only.
"""

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

_USER = "selfsynth"
# The containers' users are not the one who runs this: they may read the files, others do not get into the folder.
_FOLDER_MODE, _FILE_MODE = 0o700, 0o444


def contents() -> dict[str, str]:
    """File name -> what stands in it, with new passwords throughout."""
    postgres, redis, s3_name, s3_secret = (secrets.token_hex(24) for _ in range(4))
    identity = {"name": _USER, "credentials": [{"accessKey": s3_name, "secretKey": s3_secret}], "actions": ["Admin"]}
    return {
        "selfsynth_api_key": secrets.token_urlsafe(32),
        "selfsynth_worker_token": secrets.token_urlsafe(32),
        "selfsynth_engine_key": secrets.token_urlsafe(32),
        "postgres_password": postgres,
        "selfsynth_database_url": f"postgresql+psycopg://{_USER}:{postgres}@postgres:5432/{_USER}",
        "redis_settings": f"requirepass {redis}",
        "selfsynth_redis_url": f"redis://:{redis}@redis:6379/0",
        "s3_identities": json.dumps({"identities": [identity]}),
        "selfsynth_store_options": json.dumps({"access_key_id": s3_name, "secret_access_key": s3_secret}),
    }


def make(folder: Path) -> bool:
    """Whether they were made; False: they are there. Raises FileExistsError when only some of them are."""
    made = contents()
    missing = [name for name in made if not (folder / name).exists()]
    if not missing:
        return False
    if len(missing) < len(made):
        raise FileExistsError(f"{folder} lacks {', '.join(missing)}; some belong together, so none is made anew")
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    for name, text in made.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "w") as target:
            os.fchmod(descriptor, _FILE_MODE)
            target.write(text + "\n")
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default="secrets", help="where they go (default: secrets)")
    folder = parser.parse_args().folder
    try:
        made = make(folder)
    except FileExistsError as error:
        sys.exit(f"error: {error}.\nRestore them, or remove the folder (and the volumes that were made with it).")
    except OSError as error:
        sys.exit(f"error: {error.filename or folder} cannot be written: {error.strerror}.\nName another folder.")
    sys.stdout.write(f"keys and passwords are in {folder}/" + ("" if made else " already") + "\n")


if __name__ == "__main__":
    main()
