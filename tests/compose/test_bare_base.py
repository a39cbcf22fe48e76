"""An image on a base that has no Python, as CUDA's have none: it gets the distribution's."""

from collections.abc import Iterator

import pytest

from tests.compose.base_images import BaseImages
from tests.compose.commands import Budget, run
from tests.compose.docker_engine import NoEngine, docker_engine
from tests.compose.system import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(2700)]

_PATIENCE_S = 2400.0
_IMAGE = "selfsynth-test/worker-on-bare:bookworm"


@pytest.fixture(scope="module")
def docker() -> Iterator[str]:
    try:
        with docker_engine(Budget(_PATIENCE_S)) as command:
            yield command
    except NoEngine as reason:
        pytest.skip(str(reason))


def test_an_image_on_a_base_without_python_gets_one_and_runs(docker: str) -> None:
    budget = Budget(_PATIENCE_S)
    base, builder = BaseImages(docker, budget).make_without_python()
    file = ("--file", str(ROOT / "services/generator/Dockerfile"), "--target", "worker", "--tag", _IMAGE)
    arguments = ("--build-arg", f"BASE={base}", "--build-arg", f"BUILD_BASE={builder}")
    build = ("build", *file, *arguments, str(ROOT))
    run(docker, *build, within_s=budget.left_s(), env={"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"})
    words = ("-c", "import sys, services.generator.worker; print(sys.prefix)")
    said = run(docker, "run", "--rm", "--read-only", _IMAGE, "python", *words, within_s=budget.left_s())
    assert said == "/app/.venv\n"
