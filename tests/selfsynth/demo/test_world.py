"""The drawn world: hidden parts are truly hidden, species differ, the data set has the agreed layout."""

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from selfsynth.demo.world.attributes import MEANING, PARTS, VALUES, all_phrases, spoken_phrases
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.demo.world.scene import FEWEST_VISIBLE, SIZE, random_hidden, random_scene, render
from selfsynth.demo.world.species import NOT_VISUAL, concept_bank, species


@pytest.mark.parametrize("part", PARTS)
def test_the_picture_of_a_hidden_part_does_not_depend_on_its_value(part: str) -> None:
    rng = random.Random(part)
    for _ in range(12):
        scene = random_scene(rng)
        scene = replace(scene, hidden=scene.hidden | {part})
        pictures = [render(replace(scene, attributes={**scene.attributes, part: v})) for v in VALUES[part]]
        assert all(np.array_equal(pictures[0], other) for other in pictures[1:])


@pytest.mark.parametrize("part", PARTS)
def test_the_picture_of_a_visible_part_shows_its_value(part: str) -> None:
    rng = random.Random(part)
    for _ in range(5):
        scene = replace(random_scene(rng), hidden=frozenset(PARTS) - {part})
        pictures = [render(replace(scene, attributes={**scene.attributes, part: v})) for v in VALUES[part]]
        for one, other in itertools.combinations(pictures, 2):
            assert np.abs(one.astype(int) - other).max() > 40


def test_each_part_is_hidden_in_about_a_quarter_of_the_pictures_and_three_are_always_visible() -> None:
    rng = random.Random(0)
    draws = [random_hidden(rng) for _ in range(4000)]
    for part in PARTS:
        assert 0.25 < sum(part in hidden for hidden in draws) / len(draws) < 0.30
    assert max(map(len, draws)) <= len(PARTS) - FEWEST_VISIBLE


def test_two_species_differ_in_at_least_six_parts() -> None:
    assert len(species()) == 12
    for one, other in itertools.combinations(species().values(), 2):
        assert sum(one[part] != other[part] for part in PARTS) >= 6


@pytest.mark.parametrize("name", species())
def test_a_bank_holds_every_attribute_one_wrong_concept_and_two_that_no_image_shows(name: str) -> None:
    bank = concept_bank(name)
    attributes = species()[name]
    meant = [MEANING[concept] for concept in bank if concept in MEANING]
    assert {(part, attributes[part]) for part in PARTS} <= set(meant)
    assert sum(attributes[part] != value for part, value in meant) == 1
    assert sum(concept in NOT_VISUAL for concept in bank) == 2
    assert len(bank) == len(set(bank)) == len(PARTS) + 2 + 3


def test_no_phrase_is_part_of_another_and_all_are_distinct() -> None:
    phrases = [p for part in PARTS for value in VALUES[part] for p in all_phrases(part, value)]
    assert len(phrases) == len(set(phrases))
    assert not [(a, b) for a, b in itertools.permutations(phrases, 2) if a in b]


def test_phrases_that_can_stand_in_one_text_share_no_three_words_in_a_row() -> None:
    def trigrams(phrase: str) -> set[tuple[str, ...]]:
        words = phrase.split()
        return set(zip(words, words[1:], words[2:], strict=False))

    for one, other in itertools.combinations(MEANING, 2):
        if MEANING[one][0] != MEANING[other][0] or MEANING[one] == MEANING[other]:
            assert not trigrams(one) & trigrams(other), (one, other)


def test_every_bank_phrasing_beyond_the_spoken_ones_is_known_to_the_measure() -> None:
    for part, values in VALUES.items():
        for value in values:
            unspoken = set(all_phrases(part, value)) - set(spoken_phrases(part, value))
            assert len(unspoken) == 1
            assert MEANING[unspoken.pop()] == (part, value)


def test_a_data_set_has_the_layout_of_the_reference(tmp_path: Path) -> None:
    write_dataset(tmp_path, seed=3, per_class={"train": 2, "validation": 1, "test": 3})
    truth = json.loads((tmp_path / "truth.json").read_text())
    banks = json.loads((tmp_path / "birds_visual_features.json").read_text())
    assert {bank["name"]: bank["visual_features"] for bank in banks.values()} == {n: concept_bank(n) for n in species()}
    for split, count in {"train": 2, "validation": 1, "test": 3}.items():
        rows = json.loads((tmp_path / f"birds-{split}.json").read_text())
        assert sorted(row["label"] for row in rows) == sorted(name for name in species() for _ in range(count))
        for row in rows:
            assert set(row) == {"id", "img_path", "label"}
            assert Image.open(tmp_path / row["img_path"]).size == (SIZE, SIZE)
            assert truth[row["id"]]["attributes"] == species()[row["label"]]
    assert len(truth) == 12 * 6


def test_one_seed_gives_the_same_files_and_another_gives_other_pictures(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_dataset(tmp_path / folder, seed, {"train": 1, "test": 1})
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    pictures = {(tmp_path / f / name).read_bytes() for f in "ac" for name in files if name.suffix == ".png"}
    assert len(pictures) == 2 * 24
