"""The hard world misleads as it says: twins, backgrounds that go with the species in training only, wrong labels."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from selfsynth.cli.demo import World
from selfsynth.demo.world.attributes import MEANING, PARTS, spoken_phrases
from selfsynth.demo.world.dataset import DrawnImage, draw_images, write_dataset
from selfsynth.demo.world.drawn import HARD, WORLDS
from selfsynth.demo.world.measure import read_truth
from selfsynth.demo.world.scene import Scene, render
from selfsynth.demo.world.species import NOT_VISUAL
from selfsynth.demo.world.twins import twin_bank, twin_of, twins


@pytest.fixture(scope="module")
def images() -> dict[str, list[DrawnImage]]:
    """The images of each split before they are rendered."""
    return {split: list(draw_images(HARD, split, count, seed=4)) for split, count in HARD.per_class.items()}


def test_every_species_has_a_twin_that_differs_in_one_part_or_two() -> None:
    differing = [sum(twins()[name][p] != twins()[twin_of(name)][p] for p in PARTS) for name in twins()]
    assert sorted(differing) == [1] * 12 + [2] * 12
    assert all(twin_of(twin_of(name)) == name for name in twins())


def test_species_that_are_no_twins_differ_in_at_least_four_parts() -> None:
    for one, own in twins().items():
        for other, values in twins().items():
            if other not in (one, twin_of(one)):
                assert sum(own[p] != values[p] for p in PARTS) >= 4, (one, other)


@pytest.mark.parametrize("name", twins())
def test_a_bank_is_in_words_that_the_base_never_says_and_names_what_only_the_twin_has(name: str) -> None:
    own, bank = twins()[name], twin_bank(name)
    meant = [MEANING[concept] for concept in bank if concept in MEANING]
    wrong = [(part, value) for part, value in meant if own[part] != value]
    assert set(own.items()) <= set(meant)
    assert wrong
    assert all(twins()[twin_of(name)][part] == value for part, value in wrong)
    assert sum(c in spoken_phrases(*MEANING[c]) for c in bank if c in MEANING) == 2
    assert sum(concept in NOT_VISUAL for concept in bank) == 2


def test_twins_stand_before_different_skies() -> None:
    assert HARD.backgrounds
    assert all(HARD.backgrounds[name] != HARD.backgrounds[twin_of(name)] for name in twins())


def test_the_share_of_wrong_labels_is_as_promised_and_only_in_training(images: dict[str, list[DrawnImage]]) -> None:
    wrong = {split: sum(image.label != image.species for image in drawn) for split, drawn in images.items()}
    assert wrong == {"train": round(HARD.wrong_labels * len(images["train"])), "validation": 0, "test": 0}


def test_the_background_goes_with_the_species_in_training_and_in_half_of_the_test(
    images: dict[str, list[DrawnImage]],
) -> None:
    own = {split: sum(bool(image.own_background) for image in drawn) / len(drawn) for split, drawn in images.items()}
    assert own["train"] > 0.85
    assert 0.45 < own["test"] < 0.55


def test_there_are_at_least_six_hundred_test_images_and_few_to_learn_from(images: dict[str, list[DrawnImage]]) -> None:
    assert len(images["test"]) >= 600
    assert len(images["train"]) == 24 * 12


def test_a_wrong_label_and_the_truth_beside_it_are_written(tmp_path: Path) -> None:
    world = replace(HARD, per_class={"train": 1}, wrong_labels=0.5)
    write_dataset(tmp_path, seed=2, world=world)
    truth = read_truth(tmp_path / "truth.json")
    labels = {row["id"]: row["label"] for row in json.loads((tmp_path / "birds-train.json").read_text())}
    assert sum(truth[id_].species != label for id_, label in labels.items()) == 12
    assert all(truth[id_].attributes == twins()[truth[id_].species] for id_ in labels)


def test_the_background_changes_the_sky_and_nothing_else() -> None:
    bird = twins()["Marsh Corvane"]
    one, other = (render(Scene(bird, frozenset(), 7, background)).astype(int) for background in (0, 1))
    difference = np.abs(one - other).max(axis=2)
    assert difference[:10, :10].min() > 5
    assert difference[30:36, 28:34].max() < 3


def test_the_command_offers_every_world() -> None:
    assert {world.value for world in World} == set(WORLDS)
