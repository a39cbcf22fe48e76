"""Only a machine that cannot leaves the tests out; a broken recipe fails them. Needs no engine."""

from pathlib import Path
from typing import NoReturn

import pytest

from tests.compose.base_images import BaseImages
from tests.compose.commands import Budget, CommandFailed
from tests.compose.docker_engine import NoEngine
from tests.compose.excuses import excused


class LeftOut(Exception):
    pass


def leave_out(reason: str) -> NoReturn:
    raise LeftOut(reason)


def _make_images(folder: Path, says: str, within_s: float = 60) -> None:
    """With a docker command that has the base, and answers `says` when it shall build."""
    docker = folder / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1" = image ] || {{ {says}; }}\n')
    docker.chmod(0o755)
    with excused(leave_out):
        BaseImages(str(docker), Budget(within_s)).make()


def test_a_broken_recipe_fails(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="COPY failed"):
        _make_images(tmp_path, "echo COPY failed >&2; exit 1")


def test_a_slow_machine_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(LeftOut, match=r"build .* took longer than .* kept for the next time"):
        _make_images(tmp_path, "sleep 60", within_s=3)


def test_a_machine_without_an_engine_is_left_out() -> None:
    with pytest.raises(LeftOut, match="only root"), excused(leave_out):
        raise NoEngine("only root")


def test_a_machine_that_cannot_fetch_debian_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, says in (("docker", "exit 1"), ("debootstrap", "echo no route to the archive >&2; exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LeftOut, match="no route to the archive"), excused(leave_out):
        BaseImages(str(tmp_path / "docker"), Budget(60)).make()
