"""Where no engine can run, that is said and nothing fails. Needs none itself."""

import os
import shutil
from pathlib import Path

import pytest

from tests.compose.commands import Budget
from tests.compose.docker_engine import NoEngine, docker_engine


def _reason() -> str:
    with pytest.raises(NoEngine) as caught, docker_engine(Budget(60)):
        pass
    return str(caught.value)


def test_an_ordinary_user_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "only root" in _reason()


def test_a_machine_with_neither_docker_nor_apt_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "no apt-get" in _reason() or "GiB left" in _reason()


def test_a_failing_installation_is_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho no route to the archive >&2\nexit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(shutil.which('sh') or '/bin/sh').parent}/nowhere")
    assert "no route to the archive" in _reason() or "GiB left" in _reason()


def test_an_engine_that_refuses_to_start_tells_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container that may not make namespaces."""
    says = {"dockerd": "echo operation not permitted >&2; exit 1", "iptables": "echo -P FORWARD ACCEPT"}
    for name in ("dockerd", "docker", "docker-compose", "debootstrap", "iptables", "curl"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{says.get(name, 'exit 1')}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert "operation not permitted" in _reason() or "GiB left" in _reason()
