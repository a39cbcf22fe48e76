"""Which API a command talks to: the one named by --url and --key, or the stack that runs on the folder."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from selfsynth.client import Client
from selfsynth.stack import find_running
from shared.errors import InvalidInput

DEFAULT_FOLDER = Path("build/stack")

Url = Annotated[str | None, typer.Option("--url", envvar="SELFSYNTH_URL", help="An API's address.")]
Key = Annotated[
    str | None, typer.Option("--key", envvar="SELFSYNTH_KEY", show_envvar=True, help="The key to that API.")
]
Folder = Annotated[Path, typer.Option("--folder", help="The folder of the stack on this machine.")]


def command_line(folder: Path, *words: str) -> str:
    """A command to show to the user, with --folder where it is not the usual one."""
    usual = folder.absolute() == DEFAULT_FOLDER.absolute()
    return f"`{shlex.join([*words, *([] if usual else ['--folder', str(folder)])])}`"


def is_named(url: str | None, key: str | None) -> bool:
    """Whether an API is named. Raises InvalidInput when only one half of it is."""
    if bool(url) != bool(key):
        given, missing = ("--url", "--key") if url else ("--key", "--url")
        raise InvalidInput(f"{given} is given without {missing}", remedy="Give both, or none to use the local stack.")
    return bool(url)


def client_for(url: str | None, key: str | None, folder: Path) -> Client:
    """Raises NotFound when nothing is named and no stack runs on the folder."""
    if is_named(url, key) and url and key:
        return Client(url, key)
    record = find_running(folder)
    return Client(record.url, record.keys.api)
