"""The step as a worker runs it: real store, real subprocess, real signals."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import save

from services.trainer.step.train import ADAPTER_FILES, train
from services.trainer.wiring import TrainerSettings
from shared.artefacts import Manifest
from shared.errors import InvalidInput, StepInterrupted, StepStopped, SystemFault, TooFewPairs
from shared.objects import ObjectStore
from shared.worker.context import StepContext
from tests.services.trainer.scene import put_inputs, task_for
from tests.services.trainer.step.watched import Watched, trainers_here

STEPS = 80
SAVE_EVERY = 4
# Of an adapter that trains the projector too.
_WEIGHTS = save({"base_model.model.model.multi_modal_projector.linear_1.lora_A.weight": torch.zeros(1, 1)})


def interrupt() -> None:
    raise StepInterrupted


def on_a_checkpoint_of(run: Watched, attempt: int, act: Callable[[], None]) -> Callable[[], None]:
    """A context's check that acts when the attempt has left a checkpoint in the store."""

    def check() -> None:
        if any(key.endswith(f"-a{attempt}.tar") for key in run.checkpoints()):
            act()

    return check


def a_run(folder: Path, model: Path) -> Watched:
    """With dropout, images that change every epoch, two pairs that share each, and several passes an optimiser step."""
    drawn: dict[str, Any] = {"lora_dropout": 0.1, "augmentations": ["flip_horizontal", "colour_jitter"]}
    drawn |= {"epochs": STEPS / 4, "checkpoint_every": SAVE_EVERY, "micro_batch_size": 2}
    return Watched(folder, model, questions=2, **drawn)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Watched, Manifest]:
    run = a_run(tmp_path_factory.mktemp("calm"), tiny_model)
    return run, run.finish()


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Watched, Manifest]:
    """Killed, interrupted, killed again and then done."""
    run = a_run(tmp_path_factory.mktemp("troubled"), tiny_model)
    rng = random.Random(1)
    first, second = rng.randrange(SAVE_EVERY, 30), rng.randrange(50, STEPS)
    with pytest.raises(SystemFault, match="SIGKILL"):
        run.run_killed_at(1, first)
    with pytest.raises(StepInterrupted):
        run.run(2, on_a_checkpoint_of(run, 2, interrupt))
    with pytest.raises(SystemFault, match="SIGKILL"):
        run.run_killed_at(3, second)
    return run, run.finish(attempt=4)


@pytest.mark.long
def test_ten_kills_at_random_points_change_nothing(
    calm: tuple[Watched, Manifest], tmp_path: Path, tiny_model: Path
) -> None:
    run = a_run(tmp_path, tiny_model)
    points = sorted(random.Random(2).sample(range(1, STEPS), 10))
    for attempt, point in enumerate(points, 1):
        with pytest.raises(SystemFault, match="SIGKILL"):
            run.run_killed_at(attempt, point)
    manifest = run.finish(attempt=11)
    assert run.curve(manifest) == calm[0].curve(calm[1])
    expected = calm[0].weights(calm[1])
    assert all(weight.equal(expected[name]) for name, weight in run.weights(manifest).items())


def test_a_killed_and_resumed_training_ends_with_the_same_weights(
    calm: tuple[Watched, Manifest], troubled: tuple[Watched, Manifest]
) -> None:
    expected, resumed = calm[0].weights(calm[1]), troubled[0].weights(troubled[1])
    assert expected.keys() == resumed.keys()
    assert all(resumed[name].equal(weight) for name, weight in expected.items())


def test_a_resumed_loss_curve_is_the_uninterrupted_one_with_no_step_twice(
    calm: tuple[Watched, Manifest], troubled: tuple[Watched, Manifest]
) -> None:
    curves = [run.curve(manifest) for run, manifest in (calm, troubled)]
    assert [point.step for point in curves[1]] == list(range(1, STEPS + 1))
    assert curves[0] == curves[1]


def test_a_later_attempt_goes_on_from_the_last_checkpoint(troubled: tuple[Watched, Manifest]) -> None:
    first_steps = [pushed[0][0] for _, pushed in sorted(troubled[0].pushed.items()) if pushed]
    assert first_steps[-1] > SAVE_EVERY
    assert first_steps == sorted(first_steps)


def test_the_last_two_checkpoints_are_kept(calm: tuple[Watched, Manifest]) -> None:
    names = [key.rsplit("/", 1)[1] for key in calm[0].checkpoints()]
    assert names == [f"step-{STEPS - SAVE_EVERY:06d}-a1.tar", f"step-{STEPS:06d}-a1.tar"]


def test_the_manifest_tells_the_adapter_and_the_figures(calm: tuple[Watched, Manifest]) -> None:
    run, manifest = calm
    assert manifest.figures["optimiser_steps"] == STEPS
    assert manifest.figures["pairs"] == 16
    assert manifest.figures["last_loss"] < manifest.figures["first_loss"]
    assert manifest.extra["dropped_pairs"] == 0
    config = json.loads(run.store.get(f"{manifest.extra['adapter']['prefix']}/adapter_config.json"))
    assert config["base_model_name_or_path"] == "tiny"


def test_progress_is_pushed_with_the_loss(calm: tuple[Watched, Manifest]) -> None:
    done, total, metrics = calm[0].pushed[1][-1]
    assert (done, total) == (STEPS, STEPS)
    assert metrics["loss"] == calm[1].figures["last_loss"]
    assert (metrics["learning_rate"], metrics["eta_s"]) == (calm[0].curve(calm[1])[-1].learning_rate, 0)
    assert metrics["grad_norm"] > 0
    assert metrics["tokens_per_s"] > metrics["pairs_per_s"] > 0


def test_what_all_attempts_took_is_told(calm: tuple[Watched, Manifest], troubled: tuple[Watched, Manifest]) -> None:
    """On a CPU no second is one of a GPU. Each attempt loads the model anew."""
    assert calm[1].figures["gpu_seconds"] == (calm[1].extra["seconds"] if torch.cuda.is_available() else 0)
    assert troubled[1].figures["cpu_seconds"] > calm[1].figures["cpu_seconds"] > 0


def test_pairs_of_an_image_share_a_sequence_before_and_after_a_kill(
    calm: tuple[Watched, Manifest], troubled: tuple[Watched, Manifest]
) -> None:
    assert calm[1].extra["not_packed"] == troubled[1].extra["not_packed"] == ""
    assert calm[0].told == troubled[0].told == []


def test_nothing_stays_in_the_work_folder_after_success(calm: tuple[Watched, Manifest]) -> None:
    assert list(calm[0].settings.work_dir.iterdir()) == []


def test_a_cancel_ends_launcher_and_processes_and_tells_what_memory_is_free(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho '0, 80128, 81559'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    run = Watched(tmp_path, tiny_model, processes=2)

    def check() -> None:
        if len(trainers_here()) == 3:
            raise StepStopped("cancelled")

    with pytest.raises(StepStopped):
        run.run(check=check)
    assert trainers_here() == []
    assert list(run.settings.work_dir.iterdir()) == []
    assert run.told == ["training was stopped; 78.2 of 79.6 GiB on GPU 0 are free now"]


def test_no_kept_pair_is_told_with_the_counts(store: ObjectStore, settings: TrainerSettings) -> None:
    with pytest.raises(TooFewPairs, match=r"none of 17 candidates was kept .*17 no_label"):
        train(StepContext(task_for(put_inputs(store, kept=0)), store), settings)


def test_an_unknown_base_model_is_refused_with_those_there_are(store: ObjectStore, settings: TrainerSettings) -> None:
    task = task_for(put_inputs(store)).model_copy(update={"base_model": "large"})
    with pytest.raises(InvalidInput, match=r"'large' is not known .* has: tiny"):
        train(StepContext(task, store), settings)


def test_an_adapter_of_another_rank_is_refused_before_training(store: ObjectStore, settings: TrainerSettings) -> None:
    config = {"r": 4, "lora_alpha": 16, "target_modules": "x"}
    store.put("adapters/old/adapter_config.json", json.dumps(config).encode())
    store.put("adapters/old/adapter_model.safetensors", _WEIGHTS)
    task = task_for(put_inputs(store) | {"adapter": ("adapters/old",)}, round_=2)
    with pytest.raises(InvalidInput, match=r"train.lora_rank gives 8, the adapter has 4"):
        train(StepContext(task, store), settings)


def test_the_previous_rounds_checkpoints_are_removed(store: ObjectStore, settings: TrainerSettings) -> None:
    def stop() -> None:
        raise StepStopped

    trained = "jobs/job/r1/train/s0/f"
    config = {"r": 8, "lora_alpha": 16, "target_modules": "x"}
    store.put(f"{trained}/adapter-a1/adapter_config.json", json.dumps(config).encode())
    store.put(f"{trained}/adapter-a1/adapter_model.safetensors", _WEIGHTS)
    store.put(f"{trained}/checkpoints/step-000004-a1.tar", b"")
    task = task_for(put_inputs(store) | {"adapter": (f"{trained}/adapter-a1",)}, round_=2)
    with pytest.raises(StepStopped):
        train(StepContext(task, store, check=stop), settings)
    assert store.list("jobs/job/r1") == [f"{trained}/adapter-a1/{name}" for name in ADAPTER_FILES[:2]]


def test_a_fault_found_by_the_subprocess_keeps_its_code(store: ObjectStore, settings: TrainerSettings) -> None:
    with pytest.raises(Exception, match="16 too_long") as error:
        train(StepContext(task_for(put_inputs(store), max_length=20), store), settings)
    assert (error.value.code, error.value.fault) == ("too_few_pairs", "user")  # type: ignore[attr-defined]


def test_the_subprocess_dies_with_a_killed_parent(tmp_path: Path, parent: subprocess.Popen[str]) -> None:
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    assert psutil.wait_procs([child], timeout=20)[1] == []


@pytest.fixture
def parent(tmp_path: Path, tiny_model: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that starts training that cannot end by itself: its pairs are a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pairs.jsonl")
    code = (
        "import sys, time; from pathlib import Path; from services.trainer.plan import Plan;"
        "from services.trainer.step.child import TrainingProcess; from shared.job_settings import TrainSettings;"
        "folder = Path(sys.argv[1]); plan = Plan(model_path=sys.argv[2], base_model='tiny', folder=folder,"
        "images=folder, settings=TrainSettings(), seed=1); plan.file.write_text(plan.model_dump_json());"
        "print(TrainingProcess(plan).pid, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path, tiny_model], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
