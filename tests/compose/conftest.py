"""The system, built and brought up once. Where no engine can run the tests are skipped, and it is said out loud."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NoReturn

import pytest

from tests.compose.base_images import BaseImages
from tests.compose.commands import Budget, CommandFailed, TooSlow
from tests.compose.docker_engine import NoEngine, docker_engine
from tests.compose.system import System

# For base images and images together. On two cores of its own a machine needs four minutes from nothing.
_BUDGET_S, _PATIENCE_S = 420.0, 3600.0


@pytest.fixture(scope="package")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Set SELFSYNTH_TEST_COMPOSE=0 to leave these tests out, =1 to fail where no engine can run or images take long."""
    if os.environ.get("SELFSYNTH_TEST_COMPOSE") == "0":
        _leave_out("SELFSYNTH_TEST_COMPOSE=0", request)
    budget = Budget(_PATIENCE_S if _demanded() else _BUDGET_S)
    with ExitStack() as stack:
        try:
            docker = stack.enter_context(docker_engine())
            images = BaseImages(docker, budget).make()
        except (NoEngine, CommandFailed) as reason:
            _leave_out(str(reason), request)
        system = System.prepared(docker, images, tmp_path_factory.mktemp("compose"))
        try:
            system.build(budget.left_s())
        except TooSlow as reason:
            _leave_out(f"{reason}; what is built is kept for the next time", request)
        yield from _running(system)


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


def _leave_out(reason: str, request: pytest.FixtureRequest) -> NoReturn:
    """Said past pytest's capture, so that nobody takes a green run for one that ran the images."""
    message = f"docker-compose.yml was NOT run: {reason}"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n*** {message}", file=sys.stderr, flush=True)
    if _demanded():
        pytest.fail(message)
    pytest.skip(message)
