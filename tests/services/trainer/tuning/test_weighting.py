from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForImageTextToText

from services.trainer.packing.collate import PackCollator
from services.trainer.plan import TrainPair, read_pairs, write_pairs
from services.trainer.token_pair import TokenPair, weights_of
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.processing import load_processor
from services.trainer.tuning.tune import tune
from services.trainer.tuning.weighting import LOSS_WEIGHTS, unweighted, weighted_loss
from tests.services.trainer.packing.scene import encoder_of, model_of, pairs_of
from tests.services.trainer.tuning.test_tune import NATS, answer_loss, make_plan

PAIR = TrainPair(
    image="a.png", question="Is it a Redfinch?", answer="It has a long tail: a redfinch.", label="Redfinch"
)


def weighing(folder: Path, model: Path, label_weight: float) -> PairEncoder:
    encoder_of(folder, model)
    return PairEncoder(load_processor(model), folder, label_weight=label_weight)


def loss_of(model: Any, batch: dict[str, Any]) -> float:
    with torch.no_grad():
        logits = model(**unweighted(batch)).logits
    items = (batch["labels"][:, 1:] != -100).sum()
    return float(weighted_loss(logits, batch["labels"], batch.get(LOSS_WEIGHTS), items))


def test_a_pair_weighs_as_much_as_without_weights() -> None:
    weights = weights_of(3, 8, named=[6], label_weight=6)
    assert weights == pytest.approx((0, 0, 0, 0.5, 0.5, 0.5, 3.0, 0.5))


def test_a_pair_that_names_nothing_is_weighed_evenly() -> None:
    assert weights_of(2, 4, named=[], label_weight=9) == (0, 0, 1, 1)


def test_the_tokens_of_the_label_in_the_answer_weigh_more(tmp_path: Path, tiny_model: Path) -> None:
    pair = weighing(tmp_path, tiny_model, 5.0).encode(PAIR)
    assert pair.weights
    assert pair.weights[: pair.prompt_length] == (0.0,) * pair.prompt_length
    heavy = [token for token, weight in zip(pair.ids, pair.weights, strict=True) if weight == max(pair.weights)]
    assert load_processor(tiny_model).tokenizer.decode(heavy).strip(" .") == "redfinch"


def test_an_even_weight_leaves_pair_and_batch_as_they_were(tmp_path: Path, tiny_model: Path) -> None:
    plain = weighing(tmp_path, tiny_model, 1.0)
    pair = plain.encode(PAIR)
    assert pair.weights is None
    assert LOSS_WEIGHTS not in PairCollator(plain, 0)([pair])


def test_without_weights_it_is_the_models_own_loss(tmp_path: Path, tiny_model: Path) -> None:
    encoder = encoder_of(tmp_path / "noise", tiny_model)
    model, batch = model_of(tmp_path, tiny_model).eval(), PairCollator(encoder, 0)(pairs_of(encoder))
    with torch.no_grad():
        own = float(model(**batch).loss)
    assert loss_of(model, batch) == pytest.approx(own, rel=1e-5)


def test_packed_and_separate_pairs_have_the_same_weighted_loss(tmp_path: Path, tiny_model: Path) -> None:
    encoder = encoder_of(tmp_path / "noise", tiny_model)
    model, pairs = model_of(tmp_path, tiny_model).eval(), [_weighed(pair) for pair in pairs_of(encoder)]
    separate, packed = PairCollator(encoder, 0)(pairs), PackCollator(encoder, 0, 512)(pairs)
    assert loss_of(model, packed) == pytest.approx(loss_of(model, separate), rel=1e-4)
    assert loss_of(model, packed) != pytest.approx(loss_of(model, unweighted(packed)), rel=1e-4)


def test_training_with_a_label_weight_learns(tmp_path: Path, tiny_model: Path) -> None:
    plan = make_plan(tmp_path, tiny_model, epochs=8, label_weight=4.0)
    named = [pair.model_copy(update={"label": pair.image.removesuffix(".png")}) for pair in read_pairs(plan)]
    write_pairs(plan, named)
    before = answer_loss(plan, model_of(tmp_path, tiny_model))
    tune(plan)
    assert answer_loss(plan, _trained(plan)) < before - NATS


def _weighed(pair: TokenPair) -> TokenPair:
    return replace(pair, weights=weights_of(pair.prompt_length, len(pair.ids), [len(pair.ids) - 2], 5))


def _trained(plan: Any) -> Any:
    return PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(plan.model_path), plan.trained)
