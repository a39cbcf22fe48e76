"""Packed sequences give the gradients of separate ones: the whole claim of packing, on a real model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from services.trainer.packing.attention import NAME, as_mask, register
from services.trainer.packing.collate import PackCollator
from services.trainer.packing.masks import block_mask
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder
from tests.services.trainer.packing.scene import encoder_of, model_of, pairs_of


@pytest.fixture
def model(tmp_path: Path, tiny_model: Path) -> Any:
    return model_of(tmp_path, tiny_model)


@pytest.fixture
def encoder(tmp_path: Path, tiny_model: Path) -> PairEncoder:
    return encoder_of(tmp_path / "noise", tiny_model)


def gradient(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    model.zero_grad()
    model(**batch).loss.backward()
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def relative_error(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("limit", [512, 90], ids=["one pack an image", "packs split"])
def test_gradients_of_packed_and_separate_sequences_agree(model: Any, encoder: PairEncoder, limit: int) -> None:
    pairs = pairs_of(encoder)
    separate = gradient(model, PairCollator(encoder, 0)(pairs))
    packed = PackCollator(encoder, 0, limit)(pairs)
    assert packed["input_ids"].numel() < PairCollator(encoder, 0)(pairs)["input_ids"].numel()
    assert relative_error(gradient(model, packed), separate) < 1e-5


def test_pairs_of_two_views_are_packed_apart_and_the_gradients_still_agree(model: Any, encoder: PairEncoder) -> None:
    first, second, third = pairs_of(encoder, ("a.png",))
    pairs = [replace(first, view=1), replace(second, view=1), replace(third, view=2)]
    packed = PackCollator(encoder, 0, 512)(pairs)
    assert packed["pixel_values"].shape[0] == 2
    assert not packed["pixel_values"][0].equal(packed["pixel_values"][1])
    assert relative_error(gradient(model, packed), gradient(model, PairCollator(encoder, 0)(pairs))) < 1e-5


def test_a_mask_that_lets_branches_see_each_other_would_be_found(model: Any, encoder: PairEncoder) -> None:
    pairs = pairs_of(encoder)
    separate = gradient(model, PairCollator(encoder, 0)(pairs))

    def leaky(branches: torch.Tensor) -> torch.Tensor:
        rows, length = branches.shape
        return torch.ones(length, length).tril().bool().expand(rows, 1, length, length)

    assert relative_error(gradient(model, PackCollator(encoder, 0, 512, mask=leaky)(pairs)), separate) > 1e-3


def test_flex_attention_gives_the_same_loss(model: Any, encoder: PairEncoder) -> None:
    pairs = pairs_of(encoder)
    with torch.no_grad():
        dense = model(**PackCollator(encoder, 0, 512)(pairs)).loss
        model.base_model.model.set_attn_implementation({"text_config": "flex_attention"})
        flex = model(**PackCollator(encoder, 0, 512, mask=block_mask)(pairs)).loss
    assert float(flex) == pytest.approx(float(dense), abs=1e-5)


@pytest.mark.parametrize("limit", [512, 90], ids=["one pack an image", "packs split"])
def test_attention_by_parts_gives_the_same_gradients(model: Any, encoder: PairEncoder, limit: int) -> None:
    pairs = pairs_of(encoder)
    separate = gradient(model, PairCollator(encoder, 0)(pairs))
    register()
    model.base_model.model.set_attn_implementation({"text_config": NAME})
    packed = PackCollator(encoder, 0, limit, mask=as_mask)(pairs)
    assert relative_error(gradient(model, packed), separate) < 1e-5
    assert relative_error(gradient(model, PairCollator(encoder, 0)(pairs)), separate) < 1e-5
