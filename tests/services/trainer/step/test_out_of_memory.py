"""A device that is full for some sizes of micro batch (injected/full_memory)."""

from pathlib import Path

import pytest

from services.trainer.plan import Plan
from services.trainer.step.running import smaller_micro_batch
from shared.artefacts import Manifest
from shared.errors import DeviceOutOfMemory
from shared.job_settings import TrainSettings
from tests.services.trainer.step.watched import Watched

FULL = DeviceOutOfMemory("full", remedy="less")
_FULL_MEMORY = Path(__file__).parent / "injected" / "full_memory"


def a_run(folder: Path, model: Path) -> Watched:
    return Watched(folder, model, epochs=3, checkpoint_every=2, lora_dropout=0)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Watched, Manifest]:
    """Full with more than 2 pairs after 5 of 12 optimiser steps."""
    run = a_run(tmp_path_factory.mktemp("filled"), tiny_model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(_FULL_MEMORY))
        patch.setenv("FULL_ABOVE", "2")
        patch.setenv("FULL_AFTER", "5")
        return run, run.finish()


def test_training_goes_on_with_smaller_micro_batches_and_the_same_curve(
    filled: tuple[Watched, Manifest], tmp_path: Path, tiny_model: Path
) -> None:
    calm = a_run(tmp_path, tiny_model)
    expected = [point.loss for point in calm.curve(calm.finish())]
    run, manifest = filled
    assert [point.loss for point in run.curve(manifest)] == pytest.approx(expected, rel=1e-4)
    assert (manifest.extra["micro_batch_size"], manifest.extra["passes_a_step"]) == (2, 2)


def test_the_jobs_events_say_so(filled: tuple[Watched, Manifest]) -> None:
    run, _ = filled
    assert len(run.told) == 1
    assert "with 4 pairs a forward pass; training goes on with 2" in run.told[0]
    assert "train.batch_size stays 4" in run.told[0]


def test_a_later_attempt_begins_with_what_fitted(filled: tuple[Watched, Manifest]) -> None:
    """It finds all done, and runs out of no memory."""
    run, _ = filled
    assert run.finish(attempt=2).extra["micro_batch_size"] == 2
    assert len(run.told) == 1


def test_what_is_nobodys_fault_is_only_in_the_manifest(filled: tuple[Watched, Manifest]) -> None:
    assert filled[1].extra["not_packed"] == "no image has several pairs"


def test_finding_out_whether_pairs_can_be_packed_takes_no_more_memory_than_training(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full from the beginning with more than the one sequence that a forward pass has."""
    for name, value in {"PYTHONPATH": str(_FULL_MEMORY), "FULL_ABOVE": "1", "FULL_AFTER": "0"}.items():
        monkeypatch.setenv(name, value)
    run = Watched(tmp_path, tiny_model, questions=4, epochs=0.5, lora_dropout=0, micro_batch_size=1)
    manifest = run.finish()
    assert (manifest.extra["not_packed"], manifest.extra["micro_batch_size"]) == ("", 1)
    assert run.told == []


@pytest.mark.parametrize(("micro_batch", "smaller"), [(8, 4), (6, 3), (3, 1), (2, 1)])
def test_a_micro_batch_is_halved_so_that_the_batch_stays_whole(micro_batch: int, smaller: int) -> None:
    plan = a_plan(batch_size=24, micro_batch_size=micro_batch)
    assert smaller_micro_batch(plan, FULL) == smaller


def test_one_pair_that_is_too_much_fails_as_the_process_told() -> None:
    with pytest.raises(DeviceOutOfMemory) as error:
        smaller_micro_batch(a_plan(batch_size=24, micro_batch_size=1), FULL)
    assert error.value is FULL


def a_plan(**train: int) -> Plan:
    here = Path()
    settings = TrainSettings(**train)  # type: ignore[arg-type]
    return Plan(model_path=here, base_model="tiny", folder=here, images=here, settings=settings, seed=1)
