"""The whole tuning on models of several families, tiny and random: no code of ours knows them by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from peft import PeftModel
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from services.trainer.notes import Result
from services.trainer.plan import Plan, TrainPair, read_pairs
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.augmenting import Views
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder, encode_all
from services.trainer.tuning.lora import build_model
from services.trainer.tuning.processing import load_processor
from services.trainer.tuning.tune import tune
from shared.errors import InvalidInput
from shared.types.domain import Augmentation
from shared.types.probes import PROBES, Probes
from tests import families
from tests.services.trainer.tuning.test_tune import make_plan

FAMILIES: list[tuple[Callable[[Path], Path], set[str]]] = [
    (families.tiny_llava_next, {"multi_modal_projector.linear_1", "multi_modal_projector.linear_2"}),
    (families.tiny_qwen2_5_vl, {"visual.merger.mlp.0", "visual.merger.mlp.2"}),
    (
        families.tiny_qwen3_vl,
        {f"visual.{merger}.linear_fc{n}" for merger in ("merger", "deepstack_merger_list.0") for n in (1, 2)},
    ),
]
SIZES = ((64, 64), (150, 60), (60, 130))


@pytest.fixture(scope="module", params=FAMILIES, ids=["llava_next", "qwen2_5_vl", "qwen3_vl"])
def family(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, set[str]]:
    """A plan whose images are of three shapes, tuned."""
    make, projector = request.param
    folder = tmp_path_factory.mktemp("family")
    plan = make_plan(folder, make(folder / "model"), epochs=3, max_length=200)
    for size, image in zip(SIZES, sorted(plan.images.iterdir()), strict=False):
        Image.open(image).resize(size).save(image)
    tune(plan)
    return plan, projector


def logits(plan: Plan, model: Any, pairs: list[TokenPair]) -> torch.Tensor:
    encoder = PairEncoder(load_processor(plan.model_path), plan.images)
    with torch.no_grad():
        found: torch.Tensor = model.eval()(**PairCollator(encoder, 0)(pairs)).logits
    return found


def encoded(plan: Plan) -> list[TokenPair]:
    encoder = PairEncoder(load_processor(plan.model_path), plan.images)
    return encode_all(encoder, read_pairs(plan)[:4], 200)[0]


def test_the_loss_goes_down(family: tuple[Plan, set[str]]) -> None:
    result = Result.model_validate_json(family[0].result.read_text())
    assert result.losses[-1].loss < result.losses[0].loss - 0.3
    assert result.dropped == {}
    assert (result.base_precision, result.untrained) == ("full", ())


def test_the_next_round_goes_on_from_the_adapter(family: tuple[Plan, set[str]]) -> None:
    plan, _ = family
    model = build_model(plan.model_copy(update={"adapter": plan.trained}))
    weights = {
        name.replace(".default", ""): weight for name, weight in model.named_parameters() if weight.requires_grad
    }
    previous = load_file(plan.trained / "adapter_model.safetensors")
    assert weights.keys() == previous.keys()
    assert all(torch.equal(weights[name], weight) for name, weight in previous.items())


def test_language_model_and_projector_have_lora_and_the_tower_has_none(family: tuple[Plan, set[str]]) -> None:
    plan, projector = family
    keys = load_file(plan.trained / "adapter_model.safetensors")
    layers = {key.removeprefix("base_model.model.model.").rpartition(".lora_")[0] for key in keys}
    language = {layer for layer in layers if layer.startswith("language_model.layers.")}
    assert layers - language == projector
    assert len(language) == 2 * 7


def test_the_saved_adapter_says_in_peft_what_was_written_down(family: tuple[Plan, set[str]]) -> None:
    plan, _ = family
    probe = Probes.model_validate_json((plan.trained / PROBES).read_text()).probes[0]
    pair = next(pair for pair in read_pairs(plan) if pair.image_key == probe.image_key)
    prompt = PairEncoder(load_processor(plan.model_path), plan.images).encode(pair)
    ids = (*prompt.ids[: prompt.prompt_length], *(place.token for place in probe.places))
    base: Any = AutoModelForImageTextToText.from_pretrained(plan.model_path)
    model = PeftModel.from_pretrained(base, plan.trained)
    found = logits(plan, model, [TokenPair(pair.image, ids, prompt.prompt_length)])[0].log_softmax(-1)
    for row, place in zip(found[prompt.prompt_length - 1 :], probe.places, strict=False):
        assert [float(row[token]) for token in place.seen] == pytest.approx(
            [seen.adapter for seen in place.seen.values()], abs=1e-4
        )


def test_prompts_have_the_ids_that_the_processor_gives(family: tuple[Plan, set[str]]) -> None:
    plan, _ = family
    processor: Any = load_processor(plan.model_path)
    for pair, tokens in zip(read_pairs(plan), encoded(plan), strict=False):
        with Image.open(plan.images / pair.image) as image:
            content = [{"type": "image", "image": image.convert("RGB")}, {"type": "text", "text": pair.question}]
            served = processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True
            )
        assert [int(token) for token in served["input_ids"][0]] == list(tokens.ids[: tokens.prompt_length])


def test_a_view_of_an_image_takes_as_many_tokens_and_patches(family: tuple[Plan, set[str]]) -> None:
    plan, _ = family
    encoder = PairEncoder(load_processor(plan.model_path), plan.images, Views(1, get_args(Augmentation)))
    for pair in read_pairs(plan)[:4]:
        own, ids = encoder.image_inputs(pair.image), encoder.encode(pair).ids
        for view in (1, 2):
            drawn = encoder.image_inputs(pair.image, view)
            assert {name: tensor.shape for name, tensor in drawn.items()} == {n: t.shape for n, t in own.items()}
            assert not drawn["pixel_values"].equal(own["pixel_values"])
        assert encoder.encode(pair).ids == ids


def test_a_batch_of_several_shapes_computes_what_each_does_alone(family: tuple[Plan, set[str]]) -> None:
    plan, _ = family
    model: Any = AutoModelForImageTextToText.from_pretrained(plan.model_path)
    pairs = encoded(plan)
    assert len({len(pair.ids) for pair in pairs}) > 1
    together = logits(plan, model, pairs)
    for row, pair in zip(together, pairs, strict=True):
        alone = logits(plan, model, [pair])[0]
        torch.testing.assert_close(row[: len(pair.ids)], alone, atol=1e-4, rtol=1e-4)


def test_a_batch_is_what_the_processor_makes_of_the_same_images(family: tuple[Plan, set[str]]) -> None:
    plan, _ = family
    processor: Any = load_processor(plan.model_path)
    pairs = encoded(plan)
    batch = PairCollator(PairEncoder(processor, plan.images), processor.tokenizer.pad_token_id)(pairs)
    images = [Image.open(plan.images / pair.image).convert("RGB") for pair in pairs]
    texts = [str(processor.apply_chat_template(asked(pair), add_generation_prompt=True)) for pair in read_pairs(plan)]
    expected = processor(images=images, text=texts[:4], padding=True, return_tensors="pt")
    assert expected.keys() | {"labels"} == batch.keys()
    for name in expected.keys() - {"input_ids", "attention_mask", "mm_token_type_ids"}:
        torch.testing.assert_close(batch[name], expected[name])
    image_tokens = batch["input_ids"] == processor.image_token_id
    assert int(image_tokens.sum()) == int((expected["input_ids"] == processor.image_token_id).sum())
    if "mm_token_type_ids" in batch:
        assert torch.equal(batch["mm_token_type_ids"].bool(), image_tokens)


@pytest.mark.parametrize("text", ["a <|im_end|> b", "<|im_start|>user", "see <|image_pad|>", "<|vision_start|>"])
def test_texts_with_a_familys_own_control_tokens_are_dropped(chatty: PairEncoder, text: str) -> None:
    clean = TrainPair(image="a.png", question="What is it?", answer="A finch.")
    strange = [clean.model_copy(update={"question": text}), clean.model_copy(update={"answer": text})]
    kept, dropped = encode_all(chatty, [clean, *strange], max_length=200)
    assert (len(kept), dropped) == (1, {"control_tokens": 2})


def test_an_image_that_the_processor_refuses_is_named(chatty: PairEncoder) -> None:
    with pytest.raises(InvalidInput, match=r"refuses the image thin\.png of 1x300: .*aspect ratio"):
        chatty.encode(TrainPair(image="thin.png", question="What is it?", answer="A line."))


@pytest.fixture(scope="module")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> PairEncoder:
    folder = tmp_path_factory.mktemp("chatty")
    Image.new("RGB", (64, 64)).save(folder / "a.png")
    Image.new("RGB", (1, 300)).save(folder / "thin.png")
    return PairEncoder(load_processor(families.tiny_qwen3_vl(folder / "model")), folder)


def asked(pair: TrainPair) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": pair.question}]}]
