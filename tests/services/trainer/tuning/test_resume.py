"""A training that goes on from a checkpoint, run in this process."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from services.trainer.notes import Result
from services.trainer.plan import Plan, TrainPair, read_pairs, write_pairs
from services.trainer.tuning.tune import tune
from tests.services.trainer.tuning.test_tune import make_plan

# 16 pairs and a batch that leaves a short last one.
TRAIN: dict[str, Any] = {"epochs": 3, "batch_size": 5, "micro_batch_size": 5, "checkpoint_every": 3, "lora_dropout": 0}
_folders = itertools.count(1)


def finished(plan: Plan) -> Result:
    tune(plan)
    return Result.model_validate_json(plan.result.read_text())


def resumed(plan: Plan, step: int, **train: Any) -> tuple[Plan, Result]:
    """From the checkpoint that `plan` left after `step`."""
    folder = plan.folder.parent / f"again{next(_folders)}"
    folder.mkdir()
    again = plan.model_copy(
        update={
            "folder": folder,
            "checkpoint": plan.folder / f"complete-{step}",
            "settings": plan.settings.model_copy(update=train),
        }
    )
    write_pairs(again, read_pairs(plan))
    return again, finished(again)


def losses(result: Result) -> list[float]:
    return [point.loss for point in result.losses]


def weights(plan: Plan) -> Any:
    return load_file(plan.trained / "adapter_model.safetensors")


def test_another_micro_batch_goes_on_at_the_same_pairs(tmp_path: Path, tiny_model: Path) -> None:
    plan = make_plan(tmp_path, tiny_model, **TRAIN)
    whole = finished(plan)
    _, smaller = resumed(plan, 6, micro_batch_size=1)
    assert len(losses(whole)) == 10
    assert losses(smaller) == pytest.approx(losses(whole), rel=1e-4)
    assert [point.tokens for point in smaller.losses] == [point.tokens for point in whole.losses]


@pytest.mark.parametrize(("first", "then"), [("auto", "off"), ("off", "auto")])
def test_the_order_of_pairs_stays_whether_or_not_they_can_still_be_packed(
    first: str, then: str, tmp_path: Path, tiny_model: Path
) -> None:
    """What began with a sequence for each pair goes on so."""
    plan = make_plan(tmp_path, tiny_model, **TRAIN, packing=first)
    whole = finished(plan)
    again, resumed_one = resumed(plan, 6, packing=then)
    assert losses(resumed_one) == pytest.approx(losses(whole), rel=1e-4)
    assert resumed_one.not_packed == "train.packing is off"
    _, third = resumed(again, 9, packing=first)
    assert losses(third) == pytest.approx(losses(whole), rel=1e-4)
    assert third.not_packed == whole.not_packed


def test_a_resumed_training_sees_the_same_views(tmp_path: Path, tiny_model: Path) -> None:
    """The adapter is bitwise the same, and not the one that the images themselves give."""
    folders = [tmp_path / name for name in ("drawn", "plain")]
    for folder in folders:
        folder.mkdir()
    plan, plain = (
        make_plan(folder, tiny_model, **TRAIN, augmentations=augmentations)
        for folder, augmentations in zip(folders, (["rotation", "colour_jitter"], []), strict=True)
    )
    whole = finished(plan)
    again, same = resumed(plan, 6)
    assert losses(same) == losses(whole) != losses(finished(plain))
    assert all(weight.equal(weights(again)[name]) for name, weight in weights(plan).items())


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Plan, Result]:
    """So high a rate that the held-out pairs' loss soon rises."""
    early: dict[str, Any] = {"epochs": 12, "learning_rate": 0.1, "checkpoint_every": 2, "lora_dropout": 0.05}
    early["early_stopping"] = {"patience": 3, "share": 0.25}
    plan = make_plan(tmp_path_factory.mktemp("stopped"), tiny_model, **early)
    write_pairs(plan, [hold_out_greytails(pair) for pair in read_pairs(plan)])
    return plan, finished(plan)


def hold_out_greytails(pair: TrainPair) -> TrainPair:
    return pair.model_copy(update={"held_out": "Greytail" in pair.image})


def test_training_ends_when_the_validation_loss_gets_no_better(stopped: tuple[Plan, Result]) -> None:
    _, result = stopped
    seen = {point.step: point.validation_loss for point in result.losses if point.validation_loss is not None}
    assert result.stopped_early
    assert list(seen) == list(range(2, len(result.losses) + 1, 2))
    assert result.best_step == min(seen, key=lambda step: seen[step])
    assert max(seen) == result.best_step + 3 * 2
    assert (result.pairs, result.held_out) == (12, 4)


def test_the_best_weights_are_delivered(stopped: tuple[Plan, Result]) -> None:
    plan, result = stopped
    best = load_file(plan.folder / f"complete-{result.best_step}" / "adapter_model.safetensors")
    last = load_file(plan.folder / f"complete-{len(result.losses)}" / "adapter_model.safetensors")
    assert all(weight.equal(best[name]) for name, weight in weights(plan).items())
    assert not all(weight.equal(last[name]) for name, weight in weights(plan).items())


def test_early_stopping_is_the_same_after_a_resume(stopped: tuple[Plan, Result]) -> None:
    """From where the best was made elsewhere, and from where all was over."""
    plan, result = stopped
    assert result.best_step
    for step in (result.best_step + 2, len(result.losses)):
        again, same = resumed(plan, step)
        assert same.losses == result.losses
        assert (same.best_step, same.stopped_early) == (result.best_step, True)
        assert all(weight.equal(weights(again)[name]) for name, weight in weights(plan).items())
