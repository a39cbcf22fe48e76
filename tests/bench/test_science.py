"""What the comparison takes as done, and what it refuses to compare."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.science import ROOT, demand_equal_steps
from bench.trials.recipe import ARMS, CHANGED, recipe_of


def outcome(arm: str, steps: float = 9.0, seed: int = 0) -> dict[str, Any]:
    return {"arm": arm, "seed": seed, "rounds": [{}, {"pairs": 40, "steps": steps}]}


def test_arms_that_took_other_steps_are_not_compared() -> None:
    demand_equal_steps([outcome("ours"), outcome("paper"), outcome("ours", 10.0, seed=1)])
    with pytest.raises(ValueError, match="seed 0, round 1"):
        demand_equal_steps([outcome("ours"), outcome("paper", 10.0)])


def test_an_arm_of_other_settings_is_another_outcome() -> None:
    assert set(CHANGED) < set(ARMS)
    assert recipe_of("ours") == recipe_of("label_only") != recipe_of("paper") != recipe_of("contrast")


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_arms_run_to_their_figures_and_what_is_done_is_not_run_again(tmp_path: Path) -> None:
    """A few images, in the bench's own process: whether all of it fits together."""
    command = [
        sys.executable,
        "bench/science.py",
        "--quick",
        "--seeds",
        "0",
        "--rounds",
        "2",
        "--folder",
        str(tmp_path),
    ]
    command += ["--arms", "label_only,refreshed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = {each["arm"]: each["rounds"] for each in json.loads(done.stdout[done.stdout.index("[\n") :])}
    assert [len(rounds) for rounds in told.values()] == [3, 3]
    assert told["refreshed"][2]["steps"] == told["label_only"][2]["steps"] > 0
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "seed 0" not in again.stdout
