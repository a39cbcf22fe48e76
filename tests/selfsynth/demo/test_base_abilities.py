"""The shipped base can do what is claimed, and does not know the species. Measured on other birds than the record's."""

import json
from typing import Any

import pytest

from selfsynth.demo.base.abilities import Examination
from selfsynth.demo.base.speech import Speaker
from selfsynth.demo.base.train import CHECKPOINT, RECORD
from selfsynth.demo.world.species import species
from services.generator.prompts import prompts_hash

CHANCE = 1 / 12


@pytest.fixture(scope="module")
def abilities() -> dict[str, Any]:
    return Examination(Speaker(CHECKPOINT), seed=5, birds=120).all()


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CHECKPOINT / RECORD).read_text())
    return content


def test_the_base_was_trained_on_the_prompts_of_today(record: dict[str, Any]) -> None:
    assert record["prompts_hash"] == prompts_hash(record["noun"]), "the prompts have changed: run `make demo-base`"


def test_the_checkpoint_is_small_and_safe() -> None:
    weights = list(CHECKPOINT.glob("*.safetensors"))
    assert len(weights) == 1
    assert weights[0].stat().st_size <= 8_000_000
    assert not [*CHECKPOINT.glob("*.bin"), *CHECKPOINT.glob("*.pt"), *CHECKPOINT.glob("*.pkl")]


def test_descriptions_name_what_is_visible_and_little_else(abilities: dict[str, Any]) -> None:
    assert abilities["description_precision"] >= 0.95
    assert abilities["description_recall"] >= 0.85


def test_untold_answers_cite_visible_features_for_a_wild_bird(abilities: dict[str, Any]) -> None:
    assert abilities["explanation_precision"] >= 0.95
    assert abilities["explanation_recall"] >= 0.80
    assert abilities["untold_answered"] >= 0.98


@pytest.mark.parametrize("name", species())
def test_a_told_species_is_named_in_the_answer(abilities: dict[str, Any], name: str) -> None:
    assert abilities["label_copied"][name] >= 0.95


def test_told_features_are_quoted(abilities: dict[str, Any]) -> None:
    assert abilities["features_copied"] >= 0.85


def test_each_kind_of_question_gets_its_kind_of_answer(abilities: dict[str, Any]) -> None:
    assert abilities["kind_respected"] >= 0.98


@pytest.mark.parametrize("measure", ["description_repetition", "explanation_repetition", "told_repetition"])
def test_answers_hardly_ever_repeat_a_phrase(abilities: dict[str, Any], measure: str) -> None:
    assert abilities[measure] <= 0.05


def test_told_features_that_cannot_be_seen_are_mostly_left_out(abilities: dict[str, Any]) -> None:
    assert abilities["unseen_features_copied"] <= 0.35


def test_untold_the_base_names_no_species(abilities: dict[str, Any]) -> None:
    assert abilities["species_named_rightly"] <= CHANCE
    assert abilities["any_species_named"] <= CHANCE


def test_its_image_features_tell_the_species_apart(abilities: dict[str, Any]) -> None:
    assert abilities["linear_probe_accuracy"] >= 0.90


def test_the_recorded_abilities_are_those_measured_here(abilities: dict[str, Any], record: dict[str, Any]) -> None:
    for measure in ("description_precision", "description_recall", "features_copied", "linear_probe_accuracy"):
        assert record["abilities"][measure] == pytest.approx(abilities[measure], abs=0.04)
