"""A job that asks for benchmarks: refused where it must be, planned, and reported."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.api.settings import ApiSettings
from shared.types.lifecycle import StepName
from tests.services.api.conftest import Stack, ready_dataset, serving

WANTED = {"tasks": ["quiz"], "rounds": [2]}


@pytest.fixture(scope="module")
def stack(new_settings: Callable[[Path], ApiSettings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One where a task is set up."""
    settings = new_settings(tmp_path_factory.mktemp("benchmarks"))
    with serving(settings.model_copy(update={"benchmark_tasks": ("quiz", "puzzle")})) as running:
        yield running


@pytest.fixture(scope="module")
def dataset(stack: Stack) -> str:
    return ready_dataset(stack, stack.settings.import_roots[0])


@pytest.fixture(scope="module")
def done(stack: Stack, dataset: str) -> Any:
    job = stack.job(dataset, rounds=2, settings={"benchmark": WANTED, "early_stopping": 2})
    stack.play_until(lambda: stack.get(f"/jobs/{job['id']}")["is_terminal"])
    return stack.get(f"/jobs/{job['id']}")


def refused(stack: Stack, dataset: str, benchmark: Any) -> Any:
    body = {"dataset": dataset, "model": "tiny", "rounds": 2, "settings": {"benchmark": benchmark}}
    response = stack.client.post("/jobs", json=body)
    assert response.status_code == 422, response.text
    return response.json()


def test_where_no_benchmarks_are_set_up_a_job_that_wants_some_is_refused(standing: Stack, known: str) -> None:
    problem = refused(standing, known, WANTED)
    assert (problem["code"], problem["faults"][0]["field"]) == ("benchmark_not_available", "settings.benchmark.tasks")
    assert "docs/operations.md" in problem["remedy"]


def test_a_task_that_is_not_set_up_is_named_with_those_that_are(stack: Stack, dataset: str) -> None:
    problem = refused(stack, dataset, {"tasks": ["quiz", "quizz"]})
    assert problem["detail"].endswith("not set up here: quizz")
    assert "quiz, puzzle" in problem["remedy"]


@pytest.mark.parametrize(
    ("benchmark", "field"),
    [
        ({"tasks": []}, "tasks"),
        ({"tasks": ["quiz,puzzle"]}, "tasks.0"),
        ({"tasks": ["../../etc/x.yaml"]}, "tasks.0"),
        ({"tasks": ["quiz*"]}, "tasks.0"),
        ({"tasks": ["quiz"], "limit": 0}, "limit"),
        ({"tasks": ["quiz"], "rounds": [0]}, "rounds.0"),
        ({"tasks": ["quiz"], "rounds": [3]}, "rounds"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(stack: Stack, dataset: str, benchmark: Any, field: str) -> None:
    problem = refused(stack, dataset, benchmark)
    assert (problem["code"], problem["faults"][0]["field"]) == ("invalid_settings", f"settings.benchmark.{field}")


def test_the_base_and_the_chosen_round_are_asked_by_name(stack: Stack, done: Any) -> None:
    assert (done["status"], done["percent"]) == ("succeeded", 100.0)
    tasks = [task for task in stack.worker.played if task.step == StepName.BENCHMARK and task.job_id == done["id"]]
    assert [(task.round, task.teacher) for task in tasks] == [(0, "tiny"), (2, f"{done['id']}-r2")]
    assert tasks[0].inputs == {}
    assert [key.rpartition("/")[0] for key in tasks[1].inputs["base"]] == [tasks[0].output_prefix]
    assert [len(entry["steps"]) for entry in done["rounds"]] == [2, 5, 5]


def test_the_job_tells_the_scores_of_each_round(done: Any) -> None:
    assert [entry["figures"]["benchmark"] for entry in done["rounds"]] == [{"quiz/acc": 0.25}, {}, {"quiz/acc": 0.75}]


def test_the_report_tells_the_change_against_the_base(stack: Stack, done: Any) -> None:
    base, first, second = stack.get(f"/jobs/{done['id']}/report")["rounds"]
    [change] = second["benchmark"]
    assert (change["value"], change["base"], change["change"], change["paired"]) == (0.75, 0.25, 0.5, True)
    low, high = change["interval"]
    assert low < 0.5 < high
    assert (base["benchmark"][0]["change"], first["benchmark"]) == (None, [])


@pytest.mark.parametrize("form", ["md", "html"])
def test_the_pages_show_it_too(stack: Stack, done: Any, form: str) -> None:
    page = stack.client.get(f"/jobs/{done['id']}/report?format={form}").text
    assert "General ability" in page
    assert "0.750, +0.500 (-0.066 to +1.066)" in page.replace("\\", "")
