from pathlib import Path
from typing import Any

import pytest
import torch

from services.trainer.packing.trial import Trial
from services.trainer.tuning.arguments import CHECKPOINTING
from services.trainer.tuning.encoding import PairEncoder
from tests.services.trainer.packing.scene import encoder_of, model_of, pairs_of


@pytest.fixture
def model(tmp_path: Path, tiny_model: Path) -> Any:
    return model_of(tmp_path, tiny_model)


@pytest.fixture
def encoder(tmp_path: Path, tiny_model: Path) -> PairEncoder:
    return encoder_of(tmp_path / "noise", tiny_model)


def trial(model: Any, encoder: PairEncoder) -> Trial:
    return Trial(model, encoder, 0, 512, autocast=False)


def test_a_model_that_computes_the_same_is_packed(model: Any, encoder: PairEncoder) -> None:
    sequences = trial(model, encoder).sequences(pairs_of(encoder), wanted=True)
    assert sequences.packed
    assert sequences.collate(pairs_of(encoder))["input_ids"].shape[0] == 2


def test_eager_attention_is_packed_too(model: Any, encoder: PairEncoder) -> None:
    model.get_base_model().set_attn_implementation("eager")
    assert trial(model, encoder).sequences(pairs_of(encoder), wanted=True).packed


def test_a_model_that_does_not_heed_the_mask_is_not_packed(model: Any, encoder: PairEncoder) -> None:
    """As models do that window their attention, or have none."""

    def without_mask(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, kwargs | {"attention_mask": None}

    model.get_base_model().model.language_model.register_forward_pre_hook(without_mask, with_kwargs=True)
    sequences = trial(model, encoder).sequences(pairs_of(encoder), wanted=True)
    assert "gradients differ by" in sequences.why_not
    assert sequences.refused
    assert sequences.collate(pairs_of(encoder))["input_ids"].shape[0] == 6


def test_a_model_that_refuses_a_mask_of_its_own_is_told_with_its_words(model: Any, encoder: PairEncoder) -> None:
    def refuse(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if kwargs["attention_mask"].ndim != 2:
            raise ValueError("masks have two dimensions")

    model.get_base_model().model.language_model.register_forward_pre_hook(refuse, with_kwargs=True)
    assert "masks have two dimensions" in trial(model, encoder).sequences(pairs_of(encoder), wanted=True).why_not


def test_a_device_that_is_full_is_not_called_the_models_fault(model: Any, encoder: PairEncoder) -> None:
    def full(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if kwargs["attention_mask"].ndim != 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    before = model.config.get_text_config()._attn_implementation
    model.get_base_model().model.language_model.register_forward_pre_hook(full, with_kwargs=True)
    sequences = trial(model, encoder).sequences(pairs_of(encoder), wanted=True)
    assert sequences.why_not == "there is not enough memory to try it on two pairs"
    assert sequences.refused
    assert model.config.get_text_config()._attn_implementation == sequences.attention == before


def test_separate_sequences_are_tried_one_at_a_time_as_in_training(model: Any, encoder: PairEncoder) -> None:
    """With gradient checkpointing each layer is computed once more, and nothing is drawn."""
    sizes: list[int] = []
    computed: list[Any] = []
    language = model.get_base_model().model.language_model
    language.register_forward_pre_hook(
        lambda module, args, more: sizes.append(len(more["inputs_embeds"])), with_kwargs=True
    )
    language.layers[0].self_attn.register_forward_pre_hook(lambda module, args: computed.append(module.training))
    model.gradient_checkpointing_enable(CHECKPOINTING)
    assert trial(model, encoder).sequences(pairs_of(encoder), wanted=True).packed
    assert sizes == [1, 1, 1]
    assert computed == [False] * 6


def test_what_is_not_wanted_or_pointless_is_not_packed(model: Any, encoder: PairEncoder) -> None:
    pairs = pairs_of(encoder)
    assert "off" in trial(model, encoder).sequences(pairs, wanted=False).why_not
    assert "several pairs" in trial(model, encoder).sequences([pairs[0], pairs[3]], wanted=True).why_not
    assert not trial(model, encoder).sequences(pairs, wanted=False).refused


def test_a_trial_leaves_model_and_chance_as_they_were(model: Any, encoder: PairEncoder) -> None:
    before = torch.get_rng_state()
    trial(model, encoder).sequences(pairs_of(encoder), wanted=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())
