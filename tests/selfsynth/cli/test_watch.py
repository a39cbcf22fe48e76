"""Following a job: a live tree on a terminal, lines elsewhere, and the exit code at its end."""

import io

import httpx
import pytest
import typer
from rich.console import Console

from selfsynth import Client
from selfsynth.cli.watch import demand_success, watch_job
from tests.selfsynth.api_double import ApiDouble, job


def _watch(is_terminal: bool) -> str:
    answers: list[httpx.Response | Exception] = [httpx.Response(200, json=job(s)) for s in ("running", "succeeded")]
    client = Client("http://api", "key", transport=ApiDouble({"GET /jobs/job_1": answers}))
    screen = Console(file=io.StringIO(), force_terminal=is_terminal, width=100)
    assert watch_job(client, "job_1", screen)["status"] == "succeeded"
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_elsewhere_each_change_is_one_line() -> None:
    lines = _watch(is_terminal=False).splitlines()
    assert lines[-1] == "job job_1 succeeded"
    assert lines.count("round 0  accuracy 0.125") == 1
    assert not [line for line in lines if "\x1b" in line]


def test_on_a_terminal_the_tree_is_drawn_and_redrawn() -> None:
    told = _watch(is_terminal=True)
    assert "round 0 (the base model)" in told
    assert "\x1b[" in told


def test_a_failed_job_ends_the_command_with_cause_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    error = {
        "code": "too_few_pairs",
        "message": "3 of 400 pairs are left",
        "remedy": "Allow fallbacks.",
        "fault": "user",
    }
    with pytest.raises(typer.Exit) as ended:
        demand_success(job("failed", error=error))
    told = capsys.readouterr().err
    assert ended.value.exit_code == 1
    assert "3 of 400 pairs are left" in told
    assert "Allow fallbacks." in told


def test_a_cancelled_job_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        demand_success(job("cancelled"))
    assert "ended cancelled" in capsys.readouterr().err
    demand_success(job("succeeded"))
