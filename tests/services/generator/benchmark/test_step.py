"""The real lmms-eval on a task of our own, against our own engine with a tiny model."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import httpx
import psutil
import pytest

from services.generator.benchmark.step import run
from services.generator.chat import Engine
from services.generator.proof import guarded
from shared.artefacts import ManifestRef, read_manifest
from shared.benchmark_artefact import read_benchmarked
from shared.errors import InvalidInput, RequestsFailed, StepStopped
from shared.objects import open_store
from shared.scoring.benchmark import changes
from tests.services.generator.benchmark.tasks import MOST_TOKENS, QUESTION, Heard, context, place, task_folder
from tests.services.generator.engine.serving import ask, asking, texts
from tests.services.generator.fake_engine import MODEL, FakeEngine
from tests.services.generator.proof.scene import publish_probed
from tests.services.generator.steps.pictures import picture

NUMBERS = range(6)
BENCHMARK = {"tasks": ["own_pictures"]}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return task_folder(tmp_path_factory.mktemp("tasks") / "own", NUMBERS)


@dataclass
class Done:
    base: ManifestRef
    tuned: ManifestRef
    told: list[str]


@pytest.fixture(scope="module")
def done(client: httpx.Client, model: Path, store: Path, tasks: Path) -> Done:
    """The benchmark of the base, and of a round's adapter after it."""
    publish_probed(model, store, "j-r1")
    heard = Heard()
    engine = Engine(str(client.base_url))
    base = run(context(store, "base", heard, BENCHMARK), engine, place(tasks))
    step = context(store, "j-r1", heard, BENCHMARK, inputs={"base": (base.key,)})
    return Done(base, run(step, guarded(step, engine), place(tasks)), heard.words)


def own_words(client: httpx.Client, model: str) -> list[int]:
    """How many words each picture's answer has, when the engine is asked with no lmms-eval between."""
    requests = (asking(picture(k), QUESTION, model=model, max_tokens=MOST_TOKENS, temperature=0) for k in NUMBERS)
    return [len(text.split()) for request in requests for text in texts(ask(client, request))]


@pytest.mark.parametrize("name", ["base", "j-r1"])
def test_the_score_is_that_of_the_models_own_answers(client: httpx.Client, store: Path, done: Done, name: str) -> None:
    key = (done.base if name == "base" else done.tuned).key
    found = read_benchmarked(open_store(f"file://{store}"), key)
    own = own_words(client, name)
    [words] = [score for score in found.scores if score.metric == "words"]
    assert (words.value, words.samples, words.higher_is_better) == (pytest.approx(fmean(own)), len(NUMBERS), True)
    assert [dict(zip(row.metrics, row.scores, strict=True))["words"] for row in found.answers] == own


def test_the_change_against_the_base_is_told(client: httpx.Client, store: Path, done: Done) -> None:
    change = fmean(own_words(client, "j-r1")) - fmean(own_words(client, "base"))
    [told] = [words for words in done.told if "own_pictures words" in words]
    assert change != 0
    assert f"{change:+.3f}" in told
    opened = open_store(f"file://{store}")
    found = changes(read_benchmarked(opened, done.tuned.key), read_benchmarked(opened, done.base.key))
    assert [each.paired for each in found] == [True, True]


def test_the_figures_count_what_was_asked(store: Path, done: Done) -> None:
    figures = read_manifest(open_store(f"file://{store}"), done.tuned.key).figures
    assert (figures["requests"], figures["samples"]) == (len(NUMBERS), len(NUMBERS))
    assert figures["prompt_tokens"] > figures["completion_tokens"] > 0
    assert "own_pictures/words" in figures


def test_a_request_that_fails_fails_the_step(fake: FakeEngine, store: Path, tasks: Path) -> None:
    """lmms-eval itself would write the failure down as an answer, and score it."""
    fake.fails = lambda asked: 500 if asked.model == MODEL and len(fake.asked) == 3 else 0
    engine = Engine(fake.url, in_flight=1, tries=2, patience_s=10)
    with pytest.raises(RequestsFailed, match="failed 2 times while others were answered"):
        run(context(store, MODEL, Heard(), BENCHMARK), engine, place(tasks))
    assert children() == []


def test_an_unknown_task_is_the_users_fault(fake: FakeEngine, store: Path, tasks: Path) -> None:
    with pytest.raises(InvalidInput, match="knows no task called no_such_task"):
        run(context(store, MODEL, Heard(), {"tasks": ["own_pictures", "no_such_task"]}), Engine(fake.url), place(tasks))


def test_a_cancelled_step_leaves_no_process(fake: FakeEngine, store: Path, tasks: Path) -> None:
    fake.hold_s = 30

    def check() -> None:
        if fake.open_now:
            raise StepStopped("the job is being cancelled")

    with pytest.raises(StepStopped):
        run(context(store, MODEL, Heard(), BENCHMARK, check=check), Engine(fake.url), place(tasks))
    assert children() == []


def children() -> list[psutil.Process]:
    return [each for each in psutil.Process().children(recursive=True) if "launch.py" in " ".join(each.cmdline())]
