"""A Docker engine for the tests: the one that runs, or one that is installed and started for them and ended after.

Whatever keeps an engine from running here is NoEngine with the reason; nothing else of it is anyone's fault.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compose.commands import Budget, CommandFailed, run

_PACKAGES = ("docker.io", "docker-compose", "debootstrap", "iptables", "curl")
_PROGRAMS = ("dockerd", "debootstrap", "iptables", "docker-compose", "curl")
_INSTALL_S, _START_S, _STOP_S = 240.0, 40.0, 30.0
_FREE_BYTES = 15 * 2**30


class NoEngine(Exception):
    """Why no engine can run on this machine."""


@contextmanager
def docker_engine(budget: Budget) -> Iterator[str]:
    """Yields the docker command; what is missing is installed within the budget. Raises NoEngine."""
    if os.geteuid() != 0:
        raise NoEngine("only root can start an engine and make base images")
    free = shutil.disk_usage("/var/lib").free
    if free < _FREE_BYTES:
        raise NoEngine(f"the disk of /var/lib has {free / 2**30:.0f} GiB left; images need {_FREE_BYTES / 2**30:.0f}")
    try:
        _install(budget)
        if _answers():
            yield _docker()
            return
    except CommandFailed as error:
        raise NoEngine(str(error)) from error
    with _forwarding_kept(), _started():
        yield _docker()


def _docker() -> str:
    """Debian's own where there are several: others may come without the parts that build."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"


def _install(budget: Budget) -> None:
    if all(shutil.which(name) for name in _PROGRAMS):
        return
    if shutil.which("apt-get") is None:
        raise NoEngine("there is no Docker engine, and no apt-get to install one with")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ("apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20")
    install = ("install", "--yes", "--no-upgrade", "--no-install-recommends", *_PACKAGES)
    for words in (("update",), install):
        run(*apt, *words, within_s=budget.within_s(_INSTALL_S), env=quiet)


def _answers() -> bool:
    try:
        run(_docker(), "version", within_s=20)
    except CommandFailed:
        return False
    return True


@contextmanager
def _started() -> Iterator[None]:
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            deadline = time.monotonic() + _START_S
            while not _answers():
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise NoEngine("dockerd does not start: " + " | ".join(log.read().splitlines()[-3:]))
                time.sleep(0.5)
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _forwarding_kept() -> Iterator[None]:
    """An engine has this machine drop what it forwards, and leaves it so: other tests connect network namespaces."""
    try:
        before = run("iptables", "-S", "FORWARD", within_s=20).split()[2]
    except (CommandFailed, IndexError) as error:
        raise NoEngine(f"iptables cannot be used: {error}") from error
    try:
        yield
    finally:
        run("iptables", "-P", "FORWARD", before, within_s=20)
