from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from transformers import AutoProcessor

from services.trainer.plan import TrainPair
from services.trainer.token_pair import IGNORED
from services.trainer.tuning import encoding
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder, encode_all

PAIR = TrainPair(image="a.png", question="What bird is this?", answer="It is a Redfinch with a long tail.")
# As many published models have it: neither BOS nor an end in the template.
BARE_TEMPLATE = (
    "{% for m in messages %}{{ m['role'].upper() + ': ' }}{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<image>\n{% else %}{{ c['text'] + ' ' }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)


@pytest.fixture
def processor(tiny_model: Path) -> Any:
    return AutoProcessor.from_pretrained(tiny_model)


@pytest.fixture
def encoder(processor: Any, tmp_path: Path) -> PairEncoder:
    Image.new("RGB", (80, 60), (200, 30, 30)).save(tmp_path / "a.png")
    Image.new("L", (64, 64), 99).save(tmp_path / "grey.png")
    return PairEncoder(processor, tmp_path)


def served_ids(processor: Any, question: str) -> list[int]:
    content = [{"type": "image", "image": Image.new("RGB", (80, 60))}, {"type": "text", "text": question}]
    messages = [{"role": "user", "content": content}]
    served = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)
    return [int(token) for token in served["input_ids"][0]]


def test_the_loss_is_on_the_answer_and_its_end_only(processor: Any, encoder: PairEncoder) -> None:
    labels = [token for token in encoder.encode(PAIR).labels if token != IGNORED]
    assert processor.tokenizer.decode(labels) == f" {PAIR.answer}</s>"


@pytest.mark.parametrize("template", [None, BARE_TEMPLATE])
def test_a_training_prompt_has_the_ids_that_a_server_sees(
    processor: Any, encoder: PairEncoder, template: str | None
) -> None:
    processor.chat_template = template or processor.chat_template
    pair = encoder.encode(PAIR)
    assert list(pair.ids[: pair.prompt_length]) == served_ids(processor, PAIR.question)
    assert pair.ids[-1] == processor.tokenizer.eos_token_id


def test_bos_stands_once_at_the_start_and_never_in_the_loss(processor: Any, encoder: PairEncoder) -> None:
    pair, bos = encoder.encode(PAIR), processor.tokenizer.bos_token_id
    assert pair.ids.index(bos) == 0
    assert pair.ids.count(bos) == 1
    assert bos not in pair.labels


def test_the_prompt_holds_image_and_question_but_not_the_answer(processor: Any, encoder: PairEncoder) -> None:
    pair = encoder.encode(PAIR)
    prompt = processor.tokenizer.decode(pair.ids[: pair.prompt_length])
    assert prompt.count("<image>") == 16
    assert PAIR.question in prompt
    assert "Redfinch" not in prompt


def test_over_long_pairs_are_dropped_and_counted_and_never_cut(encoder: PairEncoder) -> None:
    length = len(encoder.encode(PAIR).ids)
    longer = PAIR.model_copy(update={"answer": f"{PAIR.answer} And it sings."})
    kept, dropped = encode_all(encoder, [PAIR, longer], max_length=length)
    assert [len(pair.ids) for pair in kept] == [length]
    assert dropped == {"too_long": 1}


@pytest.mark.parametrize("text", ["a </s> b", "see <image>", "<s> again"])
def test_texts_with_control_tokens_are_dropped_and_counted(encoder: PairEncoder, text: str) -> None:
    kept, dropped = encode_all(encoder, [PAIR.model_copy(update={"answer": text})], max_length=200)
    assert (kept, dropped) == ([], {"control_tokens": 1})


def test_earlier_views_make_way_for_later_ones(encoder: PairEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two: a view that is asked for again is the very same tensors while it is kept."""
    one = encoder.image_inputs("a.png")
    monkeypatch.setattr(encoding, "_CACHE_BYTES", 2 * sum(tensor.nbytes for tensor in one.values()))
    first, other = (encoder.image_inputs(image, 1) for image in ("a.png", "grey.png"))
    assert encoder.image_inputs("a.png", 1) is first
    assert encoder.image_inputs("a.png") is not one
    encoder.image_inputs("a.png", 2)
    assert encoder.image_inputs("a.png", 1) is not first
    assert encoder.image_inputs("grey.png", 1) is other


def test_a_batch_is_padded_on_the_right_and_padding_is_not_learned(encoder: PairEncoder) -> None:
    short = encoder.encode(TrainPair(image="grey.png", question="What?", answer="A bird."))
    batch = PairCollator(encoder, pad_id=0)([encoder.encode(PAIR), short])
    padding = batch["attention_mask"][1] == 0
    assert padding.nonzero()[0] == len(short.ids)
    assert (batch["labels"][1][padding] == IGNORED).all()
    assert batch["pixel_values"].shape == (2, 3, 64, 64)
    assert not batch["pixel_values"][0].equal(batch["pixel_values"][1])
