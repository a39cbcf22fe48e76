"""The packaged encoder, for real."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from services.selector.encoder import SentenceEncoder
from services.selector.wiring import encoder_folder
from shared.errors import SystemFault


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(encoder_folder("minilm"), batch_size=4)


def test_like_texts_are_near_and_all_have_length_one(encoder: SentenceEncoder) -> None:
    embedded = encoder.encode(["a red bird", "a crimson bird", "the stock market"])
    assert embedded.shape == (3, 384)
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(3))
    cosines = embedded @ embedded.T
    assert cosines[0, 1] > 0.6 > 0.3 > cosines[0, 2]


def test_batches_order_and_repeats_do_not_change_an_embedding(encoder: SentenceEncoder) -> None:
    texts = [f"a bird with {'very ' * (k % 5)}long wings and {k % 3} bars" for k in range(17)]
    alone = torch.cat([encoder.encode([text]) for text in texts])
    torch.testing.assert_close(encoder.encode(texts), alone, atol=1e-6, rtol=1e-5)


def test_nothing_to_embed_is_an_empty_matrix(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_a_text_that_is_too_long_or_empty_is_embedded_all_the_same(encoder: SentenceEncoder) -> None:
    assert bool(torch.isfinite(encoder.encode(["wing " * 2000, ""])).all())


def test_the_folder_s_own_convention_holds_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(encoder_folder("minilm"), folder)
    convention = {"prompts": {"query": "query: ", "other": "passage: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(convention))
    assert SentenceEncoder(folder).prefix == "query: "
    assert SentenceEncoder(folder, prefix="").prefix == ""


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemFault, match="no text encoder") as caught:
        SentenceEncoder(tmp_path)
    assert "SELFSYNTH_ENCODER" in caught.value.remedy
