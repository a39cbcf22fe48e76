"""Base models, or devices, on which an image's pairs cannot share a sequence: the job is told, and trains without."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.services.trainer.step.watched import Watched

_NARROW_RANK = Path(__file__).parent / "injected" / "narrow_rank"
_TOLD = "each QA pair is trained in a sequence of its own: "


def windowed(folder: Path, model: Path) -> Path:
    """The model with a language model that sees eight tokens back, whatever mask it is given."""
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] |= {"model_type": "mistral", "sliding_window": 8}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_model_that_cannot_be_packed_is_told_and_trained_plainly(tmp_path: Path, tiny_model: Path) -> None:
    run = Watched(tmp_path, windowed(tmp_path / "model", tiny_model), questions=4, epochs=0.5)
    manifest = run.finish()
    assert "gradients differ by" in manifest.extra["not_packed"]
    assert run.told == [_TOLD + manifest.extra["not_packed"]]
    assert manifest.figures["optimiser_steps"] == 2


def test_one_process_that_cannot_pack_makes_all_train_plainly(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each would take its share of another order."""
    train = {"questions": 4, "epochs": 0.5, "learning_rate": 1e-3, "lora_dropout": 0}
    one = Watched(tmp_path / "one", tiny_model, **train, packing="off")
    expected = one.weights(one.finish())
    monkeypatch.setenv("PYTHONPATH", str(_NARROW_RANK))
    two = Watched(tmp_path / "two", tiny_model, processes=2, **train)
    manifest = two.finish()
    assert two.told == [_TOLD + "another process of this training cannot pack its base model"]
    for name, weight in two.weights(manifest).items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5)
