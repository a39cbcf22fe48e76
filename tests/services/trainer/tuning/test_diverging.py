"""A base one of whose tokens poisons every text that it stands in."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from services.trainer.tuning.tune import tune
from shared.errors import UserFault
from tests.models import tiny_llava
from tests.services.trainer.tuning.test_tune import make_plan


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the answers only "It is a Bluecap bird." has a capital B."""
    folder = tiny_llava(tmp_path_factory.mktemp("poisoned"))
    model = AutoModelForImageTextToText.from_pretrained(folder)
    token = AutoProcessor.from_pretrained(folder).tokenizer.convert_tokens_to_ids("B")
    embedding = model.get_input_embeddings()
    model.lm_head.weight = torch.nn.Parameter(embedding.weight.detach().clone())
    model.config.tie_word_embeddings = model.config.text_config.tie_word_embeddings = False
    embedding.weight.data[token] = float("nan")
    model.save_pretrained(folder)
    return folder


def test_pairs_whose_loss_is_no_number_are_named(tmp_path: Path, poisoned: Path) -> None:
    with pytest.raises(UserFault) as error:
        tune(make_plan(tmp_path, poisoned, epochs=1, batch_size=16, micro_batch_size=4))
    assert error.value.code == "training_diverged"
    assert "images/Bluecap.png ('What bird is this?')" in error.value.message
    assert "1 of the step's 4 pairs" in error.value.message
    assert "Redfinch" not in error.value.message
    assert "these images" in error.value.remedy


def test_nothing_was_learnt_from_a_gradient_that_is_no_number(tmp_path: Path, poisoned: Path) -> None:
    """The step is not taken, so no checkpoint can hold its weights."""
    plan = make_plan(tmp_path, poisoned, batch_size=16, checkpoint_every=1)
    with pytest.raises(UserFault):
        tune(plan)
    assert not list(plan.folder.glob("complete-*"))
