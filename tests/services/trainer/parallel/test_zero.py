"""DeepSpeed's ZeRO with two processes on CPUs: the weights are those of one process that shares nothing out."""

from pathlib import Path
from typing import Any

import pytest
import torch

from services.trainer.parallel.zero import check_checkpoint, zero_config
from shared.artefacts import Manifest
from shared.errors import SystemFault, UserFault
from tests.services.trainer.step.watched import Watched

# Of weights of about 0.1. Two processes add a batch's gradients in another order than one: measured 3e-6.
_TOLERANCE = 2e-5
STEPS = 6


def a_run(folder: Path, model: Path, processes: int, parallel: str) -> Watched:
    train = {"epochs": STEPS / 4, "batch_size": 4, "checkpoint_every": 2, "learning_rate": 1e-3}
    return Watched(folder, model, processes, **train, lora_dropout=0, parallel=parallel, packing="off")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, Any]:
    run = a_run(tmp_path_factory.mktemp("plain"), tiny_model, 1, "ddp")
    return dict(run.weights(run.finish()))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Watched, Manifest]:
    """Under ZeRO-2: killed after its first checkpoint, and then finished."""
    run = a_run(tmp_path_factory.mktemp("killed"), tiny_model, 2, "zero2")
    with pytest.raises(SystemFault):
        run.run_killed_at(attempt=1, step=4)
    return run, run.finish(attempt=2)


def test_shared_out_optimiser_state_gives_the_weights_of_one_process_also_after_a_kill(
    killed: tuple[Watched, Manifest], plain: dict[str, Any]
) -> None:
    run, manifest = killed
    assert run.pushed[2][0][0] > 2, "it began anew"
    assert_same(run.weights(manifest), plain)


def test_the_loss_curve_has_no_gap_after_a_kill(killed: tuple[Watched, Manifest]) -> None:
    run, manifest = killed
    assert [point.step for point in run.curve(manifest)] == list(range(1, STEPS + 1))


@pytest.mark.long
def test_shared_out_weights_give_those_of_one_process(plain: dict[str, Any], tmp_path: Path, tiny_model: Path) -> None:
    run = a_run(tmp_path, tiny_model, 2, "zero3")
    with pytest.raises(SystemFault):
        run.run_killed_at(attempt=1, step=4)
    manifest = run.finish(attempt=2)
    assert "zero3" in manifest.extra["not_packed"]
    assert run.told == [f"each QA pair is trained in a sequence of its own: {manifest.extra['not_packed']}"]
    assert_same(run.weights(manifest), plain)


def assert_same(weights: dict[str, Any], expected: dict[str, Any]) -> None:
    assert weights.keys() == expected.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=_TOLERANCE)


def test_a_checkpoint_of_other_processes_is_refused_with_how_many_there_were(tmp_path: Path) -> None:
    for rank in range(2):
        part = tmp_path / "global_step4" / f"zero_pp_rank_{rank}_mp_rank_00_optim_states.pt"
        part.parent.mkdir(exist_ok=True)
        part.touch()
    check_checkpoint(tmp_path, processes=2)
    with pytest.raises(SystemFault, match="between 2 processes and this trainer has 4") as error:
        check_checkpoint(tmp_path, processes=4)
    assert "2 processes" in error.value.remedy


def test_without_deepspeed_the_job_is_refused_with_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserFault, match="'zero2', but this trainer has no DeepSpeed") as error:
        zero_config("zero2")
    assert "tools/install.sh deepspeed" in error.value.remedy
    assert zero_config("ddp") is None
