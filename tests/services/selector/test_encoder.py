"""The packaged encoder, for real."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from services.selector.encoder import SentenceEncoder
from services.selector.wiring import encoder_model
from shared.errors import SystemFault


@contextmanager
def seen_batches(encoder: SentenceEncoder) -> Iterator[list[torch.Tensor]]:
    """The attention mask of every batch that the model reads."""
    masks: list[torch.Tensor] = []
    hook = encoder.model[0].register_forward_pre_hook(lambda module, args: masks.append(args[0]["attention_mask"]))
    yield masks
    hook.remove()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the packaged encoder, to be given other habits."""
    shutil.copytree(encoder_model("minilm"), tmp_path / "encoder")
    return tmp_path / "encoder"


def write(path: Path, said: dict[str, Any]) -> None:
    path.write_text(json.dumps(said))


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


def test_identical_texts_are_embedded_once(encoder: SentenceEncoder) -> None:
    with seen_batches(encoder) as masks:
        encoder.encode(["a red beak", "a long tail", "a red beak"] * 10)
    assert sum(map(len, masks)) == 2


def test_texts_of_like_length_share_a_batch(encoder: SentenceEncoder) -> None:
    short, long = [f"beak {k}" for k in range(4)], [f"{'very ' * 30}long tail {k}" for k in range(4)]
    with seen_batches(encoder) as masks:
        encoder.encode([text for pair in zip(short, long, strict=True) for text in pair])
    assert len(masks) == 2
    assert all(bool(mask.all()) for mask in masks), "nothing is padded"


def test_nothing_to_embed_is_an_empty_matrix(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_a_text_that_is_too_long_or_empty_is_embedded_all_the_same(encoder: SentenceEncoder) -> None:
    assert bool(torch.isfinite(encoder.encode(["wing " * 2000, ""])).all())


def test_the_model_s_own_prompt_goes_before_texts_unless_the_settings_say_otherwise(
    folder: Path, encoder: SentenceEncoder
) -> None:
    said = {"prompts": {"query": "query: ", "other": "passage: "}, "default_prompt_name": "query"}
    write(folder / "config_sentence_transformers.json", said)
    prompted = SentenceEncoder(str(folder))
    assert prompted.prefix == "query: "
    torch.testing.assert_close(prompted.encode(["a beak"]), encoder.encode(["query: a beak"]))
    assert SentenceEncoder(str(folder), prefix="").prefix == ""


def test_the_model_s_own_pooling_is_used(folder: Path, encoder: SentenceEncoder) -> None:
    write(folder / "1_Pooling/config.json", {"word_embedding_dimension": 384, "pooling_mode_cls_token": True})
    by_first_token = SentenceEncoder(str(folder)).encode(["a beak"])
    with torch.no_grad():
        states = encoder.model[0](encoder.model.preprocess(["a beak"]))["token_embeddings"]
    torch.testing.assert_close(by_first_token, torch.nn.functional.normalize(states[:, 0], dim=-1))


def test_an_encoder_is_told_from_others_by_what_changes_its_embeddings(folder: Path, encoder: SentenceEncoder) -> None:
    assert SentenceEncoder(str(folder)).identity == encoder.identity
    assert SentenceEncoder(str(folder), prefix="query: ").identity != encoder.identity
    write(folder / "sentence_bert_config.json", {"max_seq_length": 8})
    assert SentenceEncoder(str(folder)).identity != encoder.identity
    other = SentenceEncoder(encoder_model("minilm"))
    with torch.no_grad():
        next(other.model.parameters())[0, 0] += 1
    assert other.identity != encoder.identity


def test_an_encoder_says_its_name_and_what_goes_before_its_texts(encoder: SentenceEncoder) -> None:
    told = SentenceEncoder(encoder_model("minilm"), prefix="query: ", name="minilm").facts
    assert (told.name, told.prefix) == ("minilm", "query: ")
    assert told.identity != encoder.facts.identity == encoder.identity
    assert encoder.facts.name == encoder_model("minilm")


@pytest.mark.parametrize("model", ["/nowhere/at/all", "."])
def test_what_is_no_encoder_is_named_with_the_remedy(model: str, tmp_path: Path) -> None:
    with pytest.raises(SystemFault, match="no text encoder") as caught:
        SentenceEncoder(str(tmp_path / model))
    assert "SELFSYNTH_ENCODER" in caught.value.remedy
