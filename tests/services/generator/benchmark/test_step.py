"""The real lmms-eval where something goes wrong; tests/integration/test_benchmark.py is of where nothing does."""

from pathlib import Path

import psutil
import pytest

from services.generator.benchmark.step import run
from services.generator.chat import Engine
from shared.errors import InvalidInput, RequestsFailed, StepStopped
from tests.services.generator.benchmark.tasks import Heard, context, place, task_folder
from tests.services.generator.fake_engine import MODEL, FakeEngine
from tests.services.generator.steps.pictures import picture

BENCHMARK = {"tasks": ["own_pictures"]}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return task_folder(tmp_path_factory.mktemp("tasks") / "own", [picture(k) for k in range(6)])


def test_a_request_that_fails_fails_the_step(fake: FakeEngine, tmp_path: Path, tasks: Path) -> None:
    """lmms-eval itself would write the failure down as an answer, and score it."""
    fake.fails = lambda asked: 500 if len(fake.asked) == 3 else 0
    heard = Heard()
    engine = Engine(fake.url, in_flight=1, tries=2, patience_s=10)
    with pytest.raises(RequestsFailed, match="failed 2 times while others were answered"):
        run(context(tmp_path, MODEL, heard, BENCHMARK), engine, place(tasks))
    assert (len(fake.asked), heard.words, left_behind()) == (3, [], [])


def test_an_unknown_task_is_the_users_fault(fake: FakeEngine, tmp_path: Path, tasks: Path) -> None:
    wanted = {"tasks": ["own_pictures", "no_such_task"]}
    with pytest.raises(InvalidInput, match="knows no task called no_such_task"):
        run(context(tmp_path, MODEL, Heard(), wanted), Engine(fake.url), place(tasks))
    assert fake.asked == []


def test_a_cancelled_step_leaves_no_process(fake: FakeEngine, tmp_path: Path, tasks: Path) -> None:
    fake.hold_s = 30

    def check() -> None:
        if fake.open_now:
            raise StepStopped("the job is being cancelled")

    with pytest.raises(StepStopped):
        run(context(tmp_path, MODEL, Heard(), BENCHMARK, check=check), Engine(fake.url), place(tasks))
    assert left_behind() == []


def left_behind() -> list[psutil.Process]:
    return [each for each in psutil.Process().children(recursive=True) if "launch.py" in " ".join(each.cmdline())]
