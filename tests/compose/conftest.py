"""The system, built and brought up once. Where no engine can run the tests are skipped, and it is said out loud."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import NoReturn

import pytest

from tests.compose.base_images import BaseImages
from tests.compose.commands import Budget, CommandFailed
from tests.compose.docker_engine import docker_engine
from tests.compose.excuses import excused
from tests.compose.system import System

# CI has eight minutes. Two cores for themselves need four to five to build from nothing, two to run. Where images are
# not built in time they are left out; once they run they are given time, since what then fails counts as a failure.
_BUILD_S, _RUN_S, _PATIENCE_S = 330.0, 420.0, 3600.0


@pytest.fixture(scope="package")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Set SELFSYNTH_TEST_COMPOSE=0 to leave these tests out, =1 to fail where no engine can run or images take long."""
    leave_out = partial(_leave_out, request)
    if os.environ.get("SELFSYNTH_TEST_COMPOSE") == "0":
        leave_out("SELFSYNTH_TEST_COMPOSE=0")
    building = Budget(_PATIENCE_S if _demanded() else _BUILD_S)
    with ExitStack() as stack:
        with excused(leave_out):
            docker = stack.enter_context(docker_engine(building))
            images = BaseImages(docker, building).make()
            system = System.prepared(docker, building, images, tmp_path_factory.mktemp("compose"))
            system.build(building.left_s())
        yield from _running(replace(system, budget=Budget(_PATIENCE_S if _demanded() else _RUN_S)))


def _running(system: System) -> Iterator[System]:
    try:
        system.up()
    except CommandFailed as error:
        pytest.fail(f"{error}\n{system.logs()}")
    else:
        yield system
    finally:
        system.down()


def _demanded() -> bool:
    return os.environ.get("SELFSYNTH_TEST_COMPOSE") == "1"


def _leave_out(request: pytest.FixtureRequest, reason: str) -> NoReturn:
    """Said past pytest's capture, so that nobody takes a green run for one that ran the images."""
    message = f"docker-compose.yml was NOT run: {reason}"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n*** {message}", file=sys.stderr, flush=True)
    if _demanded():
        pytest.fail(message)
    pytest.skip(message)
