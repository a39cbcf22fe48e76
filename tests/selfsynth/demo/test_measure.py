"""The measures of explanations: hand-counted examples, and the explainer that never looks."""

import math
import random
from pathlib import Path

from selfsynth.demo.world.attributes import PARTS, spoken_phrases
from selfsynth.demo.world.dataset import write_dataset
from selfsynth.demo.world.measure import (
    Truth,
    cited,
    explanation_precision,
    explanation_recall,
    image_blind_precision,
    read_truth,
    species,
)
from selfsynth.demo.world.scene import random_hidden

BIRD = {
    "body": "red",
    "wing": "plain",
    "breast": "white",
    "head": "masked",
    "crest": "absent",
    "beak": "cone",
    "tail": "fan",
    "legs": "blue",
}


def test_a_text_cites_each_feature_once_in_the_order_in_which_it_names_them() -> None:
    text = "It has a broad fan tail, A Scarlet red body, red plumage on the body and a kind heart."
    assert cited(text) == [("tail", "fan"), ("body", "red")]


def test_a_citation_counts_only_when_value_and_visibility_are_right() -> None:
    truth = Truth(BIRD, frozenset({"tail"}))
    text = "It has a scarlet red body, a broad fan tail, a hooked bill and bright blue legs."
    assert explanation_precision([text], [truth]) == 2 / 4
    assert explanation_recall([text], [truth]) == 2 / 7


def test_counts_are_pooled_over_the_texts() -> None:
    truths = [Truth(BIRD, frozenset()), Truth(BIRD, frozenset({"body"}))]
    texts = ["a scarlet red body", "a scarlet red body, a broad fan tail and plain slate wings"]
    assert explanation_precision(texts, truths) == 3 / 4
    assert explanation_recall(texts, truths) == 3 / 15


def test_without_citations_precision_is_undefined_and_recall_is_zero() -> None:
    truth = Truth(BIRD, frozenset())
    assert math.isnan(explanation_precision(["This is a bird."], [truth]))
    assert explanation_recall(["This is a bird."], [truth]) == 0


def test_citing_a_species_features_without_looking_scores_about_seven_tenths() -> None:
    rng = random.Random(0)
    truths = [Truth(bird, random_hidden(rng)) for bird in species().values() for _ in range(100)]
    blind = [", ".join(rng.choice(spoken_phrases(part, truth.attributes[part])) for part in PARTS) for truth in truths]
    assert explanation_precision(blind, truths) == image_blind_precision(truths)
    assert 0.70 < image_blind_precision(truths) < 0.75


def test_the_truth_written_beside_the_images_can_be_read_back(tmp_path: Path) -> None:
    write_dataset(tmp_path, seed=1, per_class={"test": 2})
    truths = read_truth(tmp_path / "truth.json")
    assert len(truths) == 24
    for truth in truths.values():
        assert truth.attributes in list(species().values())
        assert len(truth.visible) == 8 - len(truth.hidden)
