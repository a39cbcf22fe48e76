"""Weights' names as published, from those that transformers shortens."""

import pytest

from shared.weight_names import published_name

HIDDEN = {"model.vision_tower": "vision_model"}


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("vision_tower.embeddings.weight", "vision_tower.vision_model.embeddings.weight"),
        ("model.vision_tower.embeddings.weight", "model.vision_tower.vision_model.embeddings.weight"),
        ("vision_tower.vision_model.embeddings.weight", "vision_tower.vision_model.embeddings.weight"),
        ("other.vision_tower.embeddings.weight", "other.vision_tower.embeddings.weight"),
        ("vision_towers.embeddings.weight", "vision_towers.embeddings.weight"),
        ("language_model.model.norm.weight", "language_model.model.norm.weight"),
    ],
)
def test_only_shortened_names_become_longer(name: str, published: str) -> None:
    assert published_name(name, HIDDEN) == published
    assert published_name(published, HIDDEN) == published


def test_nothing_is_hidden_from_a_model_that_hides_nothing() -> None:
    assert published_name("vision_tower.embeddings.weight", {}) == "vision_tower.embeddings.weight"
