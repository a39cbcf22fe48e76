"""What the method is worth: arms that train on as many pairs for as many steps, on the hard world, over paired seeds.

Every arm's outcome is a JSON under build/science, and so is every step; what is finished is not run again. Writes
bench/results/science.json, a section of docs/benchmarks.md and a picture beside it. `--quick` shows that all runs, on a
few images; its figures mean nothing and are not written.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from bench.trials.arms import Seed  # noqa: E402
from bench.trials.loop import Loop, running_engine  # noqa: E402
from bench.trials.page import write  # noqa: E402
from bench.trials.recipe import ARMS, recipe_of  # noqa: E402
from selfsynth.demo.world.dataset import write_dataset  # noqa: E402
from selfsynth.demo.world.drawn import HARD  # noqa: E402
from selfsynth.demo.world.twins import twin_of  # noqa: E402
from shared.objects import open_store  # noqa: E402

_QUICK = {"train": 2, "validation": 1, "test": 1}


def main() -> None:
    asked = _arguments()
    folder: Path = asked.folder / ("quick" if asked.quick else "full")
    (folder / "store").mkdir(parents=True, exist_ok=True)
    wanted = [(seed, arm) for seed in asked.seeds for arm in asked.arms]
    todo = [(seed, arm) for seed, arm in wanted if not _is_done(_read(_outcome(folder, seed, arm)), asked.rounds)]
    if todo:
        _run(folder, todo, asked.rounds, asked.quick)
    found = [_read(path) for path in sorted(folder.glob("outcomes/*.json"))]
    outcomes = [outcome for outcome in found if outcome]
    demand_equal_steps(outcomes)
    if asked.quick:
        print(json.dumps(outcomes, indent=1))
    else:
        write(outcomes, ARMS, ROOT)


def _run(folder: Path, todo: Iterable[tuple[int, str]], rounds: int, quick: bool) -> None:
    store = open_store(f"file://{(folder / 'store').absolute()}")
    with running_engine(store.url, folder) as url:
        loop = Loop(store, folder.absolute(), url)
        for seed, arm in todo:
            began = time.monotonic()
            world = folder / f"hard-{seed}"
            if not (world / "truth.json").exists():
                write_dataset(world, seed, _QUICK if quick else None, HARD)
            twins = {name: twin_of(name) for name in HARD.species}
            found = Seed(loop, world, seed, quick, twins).run(arm, rounds)
            _save(_outcome(folder, seed, arm), {"arm": arm, "seed": seed, "recipe": recipe_of(arm), "rounds": found})
            last = found[-1]
            print(f"seed {seed} {arm}: {last['accuracy']:.3f} in {time.monotonic() - began:.0f} s", flush=True)


def _outcome(folder: Path, seed: int, arm: str) -> Path:
    return folder / "outcomes" / f"{arm}-{seed}.json"


def _read(path: Path) -> dict[str, Any] | None:
    """None where there is none, or only one of other settings."""
    outcome: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return outcome if outcome and outcome.get("recipe") == recipe_of(outcome["arm"]) else None


def _is_done(outcome: dict[str, Any] | None, rounds: int) -> bool:
    return outcome is not None and (outcome["arm"] == "base" or len(outcome["rounds"]) > rounds)


def demand_equal_steps(outcomes: Iterable[dict[str, Any]]) -> None:
    """Raises ValueError where arms of one seed took another number of optimiser steps in a round, or other pairs."""
    taken: dict[tuple[int, int], dict[str, tuple[int, int]]] = defaultdict(dict)
    for outcome in outcomes:
        for round_, figures in enumerate(outcome["rounds"][1:], 1):
            taken[outcome["seed"], round_][outcome["arm"]] = (figures["pairs"], int(figures["steps"]))
    for (seed, round_), by_arm in taken.items():
        if len(set(by_arm.values())) > 1:
            raise ValueError(f"seed {seed}, round {round_}: the arms' (pairs, steps) differ: {by_arm}")


def _save(path: Path, outcome: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(outcome, indent=1) + "\n")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=_numbers, default=_numbers("0,1,2,3,4"), help="such as 0,1,2")
    parser.add_argument("--arms", type=lambda text: text.split(","), default=list(ARMS))
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/science")
    asked = parser.parse_args()
    if unknown := set(asked.arms) - set(ARMS):
        parser.error(f"unknown arms: {', '.join(sorted(unknown))}; there are: {', '.join(ARMS)}")
    return asked


if __name__ == "__main__":
    main()
