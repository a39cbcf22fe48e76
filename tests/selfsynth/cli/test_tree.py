"""The job's tree and its plain lines."""

import io

import pytest
from rich.console import Console

from selfsynth.cli.tree import duration, job_tree, news, result_line
from tests.selfsynth.api_double import job, step


def _text(shown: object) -> str:
    console = Console(width=100, file=io.StringIO())
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def test_the_tree_shows_every_round_step_bar_and_the_time_left() -> None:
    text = _text(job_tree(job("running")))
    for shown in (
        "job_1",
        "40%",
        "about 1 min 05 s left",
        "round 0 (the base model)",
        "accuracy 0.125",
        "evaluate",
        "3 s",
    ):
        assert shown in text
    assert "50%" in next(line for line in text.splitlines() if "train" in line)
    assert "attempt 2" in text


def test_a_step_that_waits_for_the_engine_says_so_in_tree_and_news() -> None:
    waiting = job("running")
    waiting["rounds"][1]["steps"] = [step("train", "pending", waits_for="the engine cannot sleep yet")]
    assert "waits: the engine cannot sleep yet" in _text(job_tree(waiting))
    assert "round 1  train            waits: the engine cannot sleep yet" in list(news(None, waiting))


def test_an_ended_job_shows_no_time_left() -> None:
    text = _text(job_tree(job("failed")))
    assert "failed" in text
    assert "left" not in text


def test_news_are_told_once() -> None:
    before, after = job("running"), job("running")
    after["rounds"][1]["steps"] = [step("train", "succeeded", seconds=12.0)]
    assert list(news(before, before)) == []
    assert list(news(before, after)) == ["round 1  train            succeeded in 12 s"]
    assert "round 0  accuracy 0.125" in list(news(None, before))


def test_a_warning_is_told_once_and_stands_under_the_tree() -> None:
    before, after = job("running"), job("running") | {"warnings": ["no test split"]}
    assert list(news(before, after)) == ["warning: no test split"]
    assert "warning: no test split" in _text(job_tree(after))


def test_a_finished_round_tells_its_interval_pairs_and_fallbacks() -> None:
    figures = {"accuracy": 0.5, "accuracy_ci": (0.4, 0.6), "pairs": 20, "fallbacks": 3}
    told = result_line({"round": 2, "figures": figures})
    assert told == "round 2: accuracy 0.500 (0.400 to 0.600), 20 QA pairs, 3 of them fallbacks that only name the label"
    bare = {"accuracy": None, "accuracy_ci": None, "pairs": None, "fallbacks": None}
    assert result_line({"round": 0, "figures": bare}) == "round 0: accuracy unknown"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_durations_are_readable(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
