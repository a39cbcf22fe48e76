"""One job, many deaths (survivor.py): what it ends with, and what each death cost."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.survivor import TRAIN_IMAGES, Survivor


def test_the_job_succeeds(survivor: Survivor) -> None:
    assert survivor.job["status"] == "succeeded", survivor.job["error"]


@pytest.mark.parametrize(("step", "attempts"), [("describe", 3), ("select_concepts", 2), ("train", 4)])
def test_every_death_cost_one_attempt(survivor: Survivor, step: str, attempts: int) -> None:
    started = survivor.told(step, "step.started")
    assert [e["attempt"] for e in started] == list(range(1, attempts + 1))


@pytest.mark.parametrize(("step", "asked"), [("describe", 1), ("train", 3)])
def test_a_worker_that_is_asked_to_go_hands_its_step_back_to_another(survivor: Survivor, step: str, asked: int) -> None:
    """As when its node is drained. Only such an attempt ends so, and none of the restarts of the others cost one."""
    assert [e["attempt"] for e in survivor.told(step, "step.handed_back")] == [asked]
    workers = [e["worker"] for e in survivor.told(step, "step.started")]
    assert workers[asked] != workers[asked - 1]


def test_no_step_was_started_twice_at_once(survivor: Survivor) -> None:
    """Between two starts of a step stands the end of the first."""
    story: dict[tuple[int, str], list[str]] = {}
    for event in survivor.events:
        if event["kind"] in ("step.started", "step.lost", "step.failed", "step.handed_back", "step.succeeded"):
            story.setdefault((event["round"], event["step"]), []).append(event["kind"])
    assert story
    for kinds in story.values():
        assert kinds[::2] == ["step.started"] * (len(kinds) // 2), kinds
        assert kinds[-1] == "step.succeeded"


@pytest.mark.parametrize(
    ("step", "rows_each"), [("describe", 2), ("select_concepts", None), ("synthesise", None)], ids=str
)
def test_every_example_is_in_every_artefact_exactly_once(survivor: Survivor, step: str, rows_each: int | None) -> None:
    rows = list(survivor.rows(1, step))
    keys = Counter((row["example_id"], *_within(row)) for row in rows)
    assert len({row["example_id"] for row in rows}) == TRAIN_IMAGES
    assert set(keys.values()) == {1}
    if rows_each:
        assert len(rows) == rows_each * TRAIN_IMAGES


@pytest.mark.parametrize("step", ["describe", "select_concepts"])
def test_parts_of_before_the_kill_are_untouched_and_used(survivor: Survivor, step: str) -> None:
    before = survivor.before[step]
    assert {path: Path(path).read_bytes() for path in before} == before
    used = {str(survivor.objects / part.key) for part in survivor.manifest(1, step).parts}
    assert set(before) <= used


def test_training_went_on_from_its_checkpoint(survivor: Survivor) -> None:
    """One point a logged step, in order, none twice."""
    steps = [row["step"] for row in survivor.rows(1, "train")]
    assert steps == list(range(1, 121))


def test_a_training_that_is_shut_down_leaves_a_checkpoint_of_where_it_was(survivor: Survivor) -> None:
    """Not of the last tenth step only; what it left is what the next worker begins with."""
    assert any(path.endswith("-a3.tar") for path in survivor.before["shut_down"])
    assert survivor.manifest(1, "train").attempt == 4


def test_the_job_shows_how_training_goes(survivor: Survivor) -> None:
    train = next(step for step in survivor.job["rounds"][1]["steps"] if step["step"] == "train")
    assert {"loss", "learning_rate", "grad_norm", "tokens_per_s", "eta_s"} <= train["metrics"].keys()
    assert {"gpu_seconds", "cpu_seconds", "tokens"} <= train["figures"].keys()


def _within(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("instruction", "sample", "concept", "question_id", "source"))
