"""The subprocess's own work, run here in this process: several seconds of imports are paid once."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.trainer.notes import Result
from services.trainer.plan import Plan, TrainPair, write_pairs
from services.trainer.tuning.arguments import training_arguments
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder, encode_all
from services.trainer.tuning.lora import build_model
from services.trainer.tuning.tune import tune
from shared.errors import TooFewPairs, UserFault
from shared.job_settings import TrainSettings
from tests.services.trainer.scene import COLOURS, QUESTION, SETTINGS


def make_plan(folder: Path, model: Path, **train: Any) -> Plan:
    images, work = folder / "images", folder / "work"
    images.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    for label, colour in COLOURS.items():
        Image.new("RGB", (64, 64), colour).save(images / f"{label}.png")
    settings = TrainSettings.model_validate(SETTINGS | train)
    plan = Plan(model_path=model, base_model="tiny", folder=work, images=images, settings=settings, seed=5)
    write_pairs(
        plan,
        [
            TrainPair(image=f"{c}.png", image_key=f"images/{c}.png", question=QUESTION, answer=f"It is a {c} bird.")
            for c in COLOURS
        ]
        * 4,
    )
    return plan


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Plan, Result]:
    plan = make_plan(tmp_path_factory.mktemp("tuned"), tiny_model, epochs=8)
    tune(plan)
    return plan, Result.model_validate_json(plan.result.read_text())


def answer_loss(plan: Plan, model: Any) -> float:
    encoder = PairEncoder(AutoProcessor.from_pretrained(plan.model_path), plan.images)
    pairs, _ = encode_all(
        encoder, [TrainPair(image="Redfinch.png", question=QUESTION, answer="It is a Redfinch bird.")], 200
    )
    with torch.no_grad():
        return float(model.eval()(**PairCollator(encoder, 0)(pairs)).loss)


# A random base with small tied embeddings cannot fall further than about 2.5 nats.
NATS = 0.9


def test_the_loss_goes_down(trained: tuple[Plan, Result]) -> None:
    losses = [point.loss for point in trained[1].losses]
    assert len(losses) == 32
    assert losses[-1] < losses[0] - NATS


def test_the_saved_adapter_makes_the_answers_likelier(trained: tuple[Plan, Result]) -> None:
    plan, _ = trained
    base = AutoModelForImageTextToText.from_pretrained(plan.model_path)
    before = answer_loss(plan, base)
    after = answer_loss(plan, PeftModel.from_pretrained(base, plan.trained))
    assert after < before - NATS


def test_adapter_tensors_lie_in_language_model_and_projector_only(trained: tuple[Plan, Result]) -> None:
    keys = list(load_file(trained[0].trained / "adapter_model.safetensors"))
    assert len(keys) == 2 * (4 * 7 + 2)
    assert all(".language_model.layers." in key or ".multi_modal_projector.linear_" in key for key in keys)


def test_asking_for_bf16_on_a_cpu_is_reported_as_float32(trained: tuple[Plan, Result]) -> None:
    assert trained[0].settings.precision == "bf16"
    assert torch.cuda.is_available() or trained[1].precision == "float32"


def test_a_round_goes_on_from_the_previous_rounds_adapter(trained: tuple[Plan, Result]) -> None:
    plan, _ = trained
    previous = load_file(plan.trained / "adapter_model.safetensors")
    model = build_model(plan.model_copy(update={"adapter": plan.trained}))
    weights = {name.replace(".default", ""): weight for name, weight in model.named_parameters() if "lora_" in name}
    assert previous.keys() == weights.keys()
    assert all(torch.equal(previous[name], weight) and weight.requires_grad for name, weight in weights.items())


def test_only_lora_weights_are_trained(trained: tuple[Plan, Result]) -> None:
    model = build_model(trained[0])
    assert all(("lora_" in name) == weight.requires_grad for name, weight in model.named_parameters())


def test_micro_batches_give_the_same_training(trained: tuple[Plan, Result], tmp_path: Path, tiny_model: Path) -> None:
    """The loss is a mean over the batch's answer tokens, however the batch is cut."""
    whole = make_plan(tmp_path, tiny_model, epochs=0.75, lora_dropout=0)
    tune(whole)
    expected = Result.model_validate_json(whole.result.read_text())
    tune(whole.model_copy(update={"settings": whole.settings.model_copy(update={"micro_batch_size": 1})}))
    cut = Result.model_validate_json(whole.result.read_text())
    assert [p.loss for p in cut.losses] == pytest.approx([p.loss for p in expected.losses], rel=1e-4)


def test_gradient_checkpointing_changes_nothing_but_memory(tmp_path: Path, tiny_model: Path) -> None:
    plan = make_plan(tmp_path, tiny_model, epochs=0.75)
    tune(plan)
    expected = load_file(plan.trained / "adapter_model.safetensors")
    tune(plan.model_copy(update={"settings": plan.settings.model_copy(update={"gradient_checkpointing": True})}))
    for name, weight in load_file(plan.trained / "adapter_model.safetensors").items():
        torch.testing.assert_close(weight, expected[name])


def test_a_loss_that_is_no_number_ends_training_as_the_users_fault(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UserFault, match="loss is nan") as error:
        tune(make_plan(tmp_path, tiny_model, learning_rate=1.0, weight_decay=1e30, epochs=4, warmup_ratio=0))
    assert "train.learning_rate" in error.value.remedy


def test_when_every_pair_is_too_long_the_counts_are_told(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(TooFewPairs, match=r"all 16 QA pairs were dropped .*16 too_long"):
        tune(make_plan(tmp_path, tiny_model, max_length=20))


def test_the_optimiser_is_the_one_that_the_job_describes(tmp_path: Path, tiny_model: Path) -> None:
    arguments = training_arguments(make_plan(tmp_path, tiny_model, adam_beta2=0.9, weight_decay=0.1, epochs=3))
    assert (arguments.adam_beta2, arguments.weight_decay) == (0.9, 0.1)
    # Epochs are in the order of the pairs, not the trainer's.
    assert arguments.num_train_epochs == 1
