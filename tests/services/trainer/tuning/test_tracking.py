"""Trackers as they are installed, each in a training of its own process: their state is the process's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from services.trainer.notes import Result
from services.trainer.plan import Plan
from services.trainer.trackers import installed
from services.trainer.tuning.tracking import Guarded
from services.trainer.wiring import TrainerSettings
from tests.services.trainer.tuning.test_tune import make_plan

_RUN = "job-r1"
_NAMES = ("WANDB_", "MLFLOW_", "TENSORBOARD_")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Plan:
    """Trained with every tracker, with no key and no server named."""
    folder = tmp_path_factory.mktemp("tracked")
    told = {"run_name": _RUN, "trackers": ("tensorboard", "wandb", "mlflow"), "tracking": folder / "tracking"}
    plan = make_plan(folder, tiny_model, epochs=0.75).model_copy(update=told)
    plan.file.write_text(plan.model_dump_json())
    unset = {name: value for name, value in os.environ.items() if not name.startswith(_NAMES)}
    command = [sys.executable, "-m", "services.trainer.sft", str(plan.file), str(os.getpid())]
    done = subprocess.run(command, env=unset, capture_output=True, text=True, timeout=300, check=False)
    plan.stderr.write_text(done.stderr + done.stdout)
    assert done.returncode == 0, plan.stderr.read_text()
    return plan


def losses(plan: Plan) -> list[float]:
    return [point.loss for point in Result.model_validate_json(plan.result.read_text()).losses]


def test_tensorboards_events_hold_the_losses(tracked: Plan) -> None:
    events = EventAccumulator(str(tracked.tracking / "tensorboard" / _RUN)).Reload()
    assert [event.value for event in events.Scalars("train/loss")] == pytest.approx(losses(tracked))


def test_wandb_keeps_the_run_on_disk(tracked: Plan) -> None:
    (run,) = tracked.tracking.glob("wandb/offline-run-*/run-*.wandb")
    assert _RUN.encode() in run.read_bytes()


def test_mlflow_keeps_the_losses_on_disk(tracked: Plan) -> None:
    (metric,) = tracked.tracking.glob("mlflow/*/*/metrics/loss")
    assert [float(line.split()[1]) for line in metric.read_text().splitlines()] == pytest.approx(losses(tracked))


def test_a_tracker_that_fails_ends_nothing_and_is_not_asked_again() -> None:
    made = []

    def make() -> None:
        made.append(1)
        raise ConnectionError("away")

    tracker = Guarded("mlflow", make)
    tracker.on_train_begin(None, None, None)
    tracker.on_log(None, None, None)
    assert made == [1]


def test_a_tracker_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "wandb" else object())
    assert installed(("tensorboard", "wandb")) == ("tensorboard",)


def test_trackers_are_named_with_commas(settings: TrainerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSYNTH_TRACKERS", "tensorboard, wandb")
    given = settings.model_dump(exclude={"trackers"})
    assert TrainerSettings(**given).trackers == ("tensorboard", "wandb")


def test_an_unknown_tracker_is_refused(settings: TrainerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSYNTH_TRACKERS", "tensorbord")
    with pytest.raises(ValidationError, match="'tensorboard', 'wandb' or 'mlflow'"):
        TrainerSettings(**settings.model_dump(exclude={"trackers"}))
