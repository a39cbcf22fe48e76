"""The `--settings` texts."""

import pytest

from selfsynth.cli.settings_text import parse_settings
from shared.errors import InvalidInput


def test_pairs_and_objects_are_laid_over_each_other_and_the_last_wins() -> None:
    texts = ["train.epochs=3", '{"train": {"lora_rank": 8, "epochs": 1}}', "train.epochs=2", "noun=bird"]
    assert parse_settings(texts) == {"train": {"epochs": 2, "lora_rank": 8}, "noun": "bird"}


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("1e-4", 1e-4), ("true", True), ("null", None), ("a=b", "a=b"), ("", "")]
)
def test_values_are_json_where_they_can_be(text: str, value: object) -> None:
    assert parse_settings([f"train.x={text}"]) == {"train": {"x": value}}


@pytest.mark.parametrize("text", ["train", "train..x=1", "=1", '{"train": '])
def test_other_texts_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_settings([text])
    assert repr(text) in caught.value.message


def test_no_texts_are_no_settings() -> None:
    assert parse_settings([]) == {}
