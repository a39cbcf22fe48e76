"""Two training processes on CPUs, the second of which is slow to write its part of a checkpoint."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from shared.artefacts import Manifest
from shared.errors import StepInterrupted
from tests.services.trainer.step.watched import Watched

_SLOW_RANK = Path(__file__).parent / "injected" / "slow_rank"


def a_run(folder: Path, model: Path, processes: int) -> Watched:
    """Two pairs share an image, and four of 16 are held out. Five a step, which two processes cannot share evenly; the
    last has two."""
    train: dict[str, Any] = {
        "epochs": 1,
        "batch_size": 5,
        "micro_batch_size": 2,
        "checkpoint_every": 1,
        "learning_rate": 1e-3,
    }
    train |= {"lora_dropout": 0, "early_stopping": {"patience": 9, "share": 0.2}}
    return Watched(folder, model, processes, questions=2, **train)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Watched, Manifest]:
    """Asked to stop when the first checkpoint is stored, and then finished."""
    run = a_run(tmp_path_factory.mktemp("two"), tiny_model, processes=2)

    def check() -> None:
        if run.checkpoints():
            raise StepInterrupted

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(_SLOW_RANK))
        with pytest.raises(StepInterrupted):
            run.run(1, check)
        return run, run.finish(attempt=2)


def test_two_processes_give_the_weights_of_one(two: tuple[Watched, Manifest], tmp_path: Path, tiny_model: Path) -> None:
    one = a_run(tmp_path, tiny_model, processes=1)
    one_done = one.finish()
    expected = one.weights(one_done)
    assert two[1].extra["processes"] == 2
    assert two[1].extra["not_packed"] == one_done.extra["not_packed"] == ""
    assert two[1].figures["held_out_pairs"] == 4
    assert two[1].figures["best_validation_loss"] == pytest.approx(one_done.figures["best_validation_loss"], rel=1e-4)
    for name, weight in two[0].weights(two[1]).items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5)


def test_a_checkpoint_holds_what_every_process_wrote(two: tuple[Watched, Manifest]) -> None:
    run, _ = two
    for key in run.checkpoints():
        with tarfile.open(fileobj=io.BytesIO(run.store.get(key))) as tar:
            names = {Path(name).name for name in tar.getnames()}
        assert {"rng_state_0.pth", "rng_state_1.pth"} <= names


def test_asked_to_stop_all_processes_end_after_the_same_step(two: tuple[Watched, Manifest]) -> None:
    """Else they would wait for each other, and be killed without a checkpoint."""
    run, manifest = two
    assert run.told == []
    assert [point.step for point in run.curve(manifest)] == [1, 2, 3]
