"""What the base is taught: grounded, in the generator's words, and never a species' name."""

import random

from selfsynth.demo.base.lessons import (
    MOST_FEATURES,
    NOUN,
    UNKNOWN,
    answer,
    description,
    lesson,
    seen_phrases,
    told_phrases,
)
from selfsynth.demo.base.names import random_name
from selfsynth.demo.world.attributes import MEANING
from selfsynth.demo.world.measure import cited
from selfsynth.demo.world.scene import random_scene
from selfsynth.demo.world.species import species
from services.generator.prompts import QuestionKind


def test_no_lesson_and_no_invented_name_is_a_species() -> None:
    rng = random.Random(0)
    for _ in range(3000):
        assert random_name(rng) not in species()
        given = lesson(random_scene(rng), rng)
        assert not any(name in given.question + given.answer for name in species())


def test_a_description_cites_visible_parts_only_and_nearly_all_of_them() -> None:
    rng = random.Random(1)
    said = seen = 0
    for _ in range(300):
        scene = random_scene(rng)
        features = cited(description(scene, rng))
        assert set(features) <= set(scene.visible.items())
        said, seen = said + len(features), seen + len(scene.visible)
    assert said / seen > 0.93


def test_an_untold_answer_cites_up_to_six_visible_parts_and_no_name() -> None:
    rng = random.Random(2)
    for _ in range(200):
        scene = random_scene(rng)
        text = answer(QuestionKind.EXPLAIN, UNKNOWN, seen_phrases(scene, rng, MOST_FEATURES), rng)
        assert len(cited(text)) == min(MOST_FEATURES, len(scene.visible))
        assert UNKNOWN in text


def test_an_answer_quotes_the_first_six_told_features_in_their_order() -> None:
    told = ["a red crown", "a short thick beak", "a blunt tail", "a gold bib", "wet feet", "one eye", "a seventh"]
    text = answer(QuestionKind.STEP_BY_STEP, "Meadow Wren", told, random.Random(0))
    places = [text.index(feature) for feature in told[:MOST_FEATURES]]
    assert places == sorted(places)
    assert "a seventh" not in text
    assert text.index("Meadow Wren") > places[-1]


def test_a_simple_question_gets_the_name_and_no_features() -> None:
    assert answer(QuestionKind.SIMPLE, "Meadow Wren", ["a red crown"], random.Random(0)) in {
        "This is Meadow Wren.",
        "This bird is Meadow Wren.",
    }


def test_told_lists_are_shuffled_distinct_and_often_not_of_the_image() -> None:
    rng = random.Random(3)
    foreign = 0
    for _ in range(400):
        scene = random_scene(rng)
        told = told_phrases(scene, rng)
        assert len(told) == len(set(told)) >= 2
        foreign += any(MEANING[phrase] not in scene.visible.items() for phrase in told)
    assert 0.3 < foreign / 400 < 0.7


def test_lessons_hold_all_the_tasks_of_the_loop() -> None:
    rng = random.Random(4)
    questions = [lesson(random_scene(rng), rng).question for _ in range(500)]
    told = sum(question.startswith(f"This {NOUN} is ") for question in questions)
    assert 0.45 < told / 500 < 0.7
