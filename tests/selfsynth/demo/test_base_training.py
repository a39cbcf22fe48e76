"""The training of the base, in miniature: it learns, leaves the tower alone in stage two, and repeats exactly."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from selfsynth.demo.base.architecture import build_model
from selfsynth.demo.base.language import Stage, train_language
from selfsynth.demo.base.lessons import GROUNDING
from selfsynth.demo.base.pictures import random_birds
from selfsynth.demo.base.saving import save
from selfsynth.demo.base.text import build_processor, train_tokenizer
from selfsynth.demo.base.vision import image_tokens, targets, tower_accuracy, train_tower
from selfsynth.demo.world.attributes import PARTS, VALUES


def fresh() -> tuple[LlavaForConditionalGeneration, PreTrainedTokenizerFast]:
    torch.manual_seed(0)
    tokenizer = train_tokenizer(1)
    return build_model(tokenizer), tokenizer


def trained() -> LlavaForConditionalGeneration:
    model, tokenizer = fresh()
    scenes, pixels = random_birds(40, seed=1)
    train_tower(model, pixels, targets(scenes), steps=2, batch=8, seed=0)
    train_language(model, tokenizer, scenes, pixels, (Stage("rehearsal", 1, None), Stage("lessons", 2, GROUNDING)))
    return model


def test_the_same_seeds_give_the_same_weights() -> None:
    one, other = trained().state_dict(), trained().state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_stage_two_leaves_the_tower_as_it_is_and_moves_the_rest() -> None:
    model, tokenizer = fresh()
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    train_language(model, tokenizer, *random_birds(40, seed=1), [Stage("lessons", 1, GROUNDING)])
    for name, weights in model.state_dict().items():
        if name.endswith("proj.weight"):
            assert torch.equal(weights, before[name]) == ("vision_tower" in name), name


def test_the_tower_learns_to_see_a_few_birds() -> None:
    model, _ = fresh()
    scenes, pixels = random_birds(16, seed=2)
    heads = train_tower(model, pixels, targets(scenes), steps=40, batch=16, seed=0)
    with torch.no_grad():
        assert image_tokens(model, pixels).shape == (16, 16, 128)
    accuracy = tower_accuracy(model, heads, pixels, targets(scenes))
    assert sum(accuracy.values()) / len(PARTS) > 0.5


def test_targets_mark_hidden_parts_with_a_class_of_their_own() -> None:
    scenes, _ = random_birds(8, seed=3)
    for scene, row in zip(scenes, targets(scenes), strict=True):
        hidden = {part for part, index in zip(PARTS, row.tolist(), strict=True) if index == len(VALUES[part])}
        assert hidden == scene.hidden


def test_the_saved_checkpoint_names_its_tower_as_published_ones_do_and_is_the_same_model(tmp_path: Path) -> None:
    model, tokenizer = fresh()
    save(model, build_processor(tokenizer), tmp_path)
    names = [name for name in load_file(tmp_path / "model.safetensors") if name.startswith("vision_tower.")]
    assert names
    assert all(name.startswith("vision_tower.vision_model.") for name in names)
    loaded = LlavaForConditionalGeneration.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in model.state_dict().items())
