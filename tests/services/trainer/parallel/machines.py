"""Machines of a test: network namespaces of this one, each with an address of its own, joined by a cable (veth)."""

import contextlib
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Machine:
    """`device` is its end of the cable."""

    name: str
    address: str
    device: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """Goes before a command that is to run on it."""
        return ("ip", "netns", "exec", self.name)

    def received_bytes(self) -> int:
        (link,) = json.loads(_ip("-n", self.name, "-s", "-j", "link", "show", self.device))
        return int(link["stats64"]["rx"]["bytes"])


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """Skips where this machine lets us make none: that wants root, and a kernel that allows it."""
    if shutil.which("ip") is None:
        pytest.skip("NOT CHECKED: there is no `ip` (apt-get install iproute2), so there are no two machines")
    tag = secrets.token_hex(2)
    machines = [Machine(f"selfsynth-{tag}-{k}", f"10.77.0.{k + 1}", f"cable{k}-{tag}") for k in range(2)]
    with contextlib.ExitStack() as stack:
        for machine in machines:
            stack.enter_context(_namespace(machine.name))
        first, second = machines
        _ip(
            "link",
            "add",
            first.device,
            "netns",
            first.name,
            "type",
            "veth",
            "peer",
            second.device,
            "netns",
            second.name,
        )
        for machine in machines:
            _ip("-n", machine.name, "address", "add", f"{machine.address}/24", "dev", machine.device)
            for device in ("lo", machine.device):
                _ip("-n", machine.name, "link", "set", device, "up")
        yield first, second


@contextlib.contextmanager
def _namespace(name: str) -> Iterator[None]:
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"NOT CHECKED: this machine makes no network namespaces: {error.stderr.strip()}")
    try:
        yield
    finally:
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout
