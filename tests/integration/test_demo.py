"""`make demo` as a user runs it: it keeps its promises on a world of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    subprocess.run(["make", "demo", "SEED=3"], cwd=ROOT, check=True)
    found: dict[str, Any] = json.loads((ROOT / "build/demo/report.json").read_text())
    return found


def test_the_base_does_not_know_the_species_and_the_final_model_does(report: dict[str, Any]) -> None:
    assert report["rounds"][0]["accuracy"] <= 0.15
    assert report["rounds"][-1]["accuracy"] >= 0.90


def test_explanations_look_at_the_image(report: dict[str, Any]) -> None:
    base, final = report["rounds"][0], report["rounds"][-1]
    assert final["explanation_precision"] >= 0.90
    assert final["image_blind_precision"] <= final["explanation_precision"] - 0.10
    assert final["explanation_recall"] >= base["explanation_recall"] - 0.10


def test_explanations_do_not_repeat_themselves(report: dict[str, Any]) -> None:
    assert report["rounds"][-1]["repetition_rate"] <= 0.05


def test_every_round_tells_what_it_was_trained_on(report: dict[str, Any]) -> None:
    assert [entry["round"] for entry in report["rounds"]] == [0, 1, 2, 3]
    assert all(entry["qa_pairs"] > 0 for entry in report["rounds"][1:])
    assert all(entry["seconds"]["evaluate"] > 0 for entry in report["rounds"])


def test_the_page_and_its_plots_are_left(report: dict[str, Any]) -> None:
    page = (ROOT / "build/demo/report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
