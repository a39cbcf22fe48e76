"""What the base is taught: grounded, in the generator's words, and never a species' name."""

import random

from selfsynth.demo.base.lessons import (
    MOST_FEATURES,
    NOUN,
    UNKNOWN,
    answer,
    description,
    lesson,
    quotable,
    seen_phrases,
    told_phrases,
    visible_phrases,
)
from selfsynth.demo.base.names import random_name
from selfsynth.demo.world.attributes import MEANING, PARTS
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


def test_a_description_cites_exactly_the_visible_parts() -> None:
    rng = random.Random(1)
    for _ in range(300):
        scene = random_scene(rng)
        assert cited(description(scene, rng)) == list(scene.visible.items())


def test_an_untold_answer_cites_every_visible_part_and_no_name() -> None:
    rng = random.Random(2)
    for _ in range(200):
        scene = random_scene(rng)
        text = answer(QuestionKind.EXPLAIN, UNKNOWN, seen_phrases(scene, rng, MOST_FEATURES), rng)
        assert len(cited(text)) == len(scene.visible)
        assert UNKNOWN in text


def test_an_answer_quotes_features_in_their_order_and_names_last() -> None:
    told = ["a red crown", "a short thick beak", "a blunt tail", "a gold bib", "wet feet"]
    text = answer(QuestionKind.STEP_BY_STEP, "Meadow Wren", told, random.Random(0))
    places = [text.index(feature) for feature in told]
    assert places == sorted(places)
    assert text.index("Meadow Wren") > places[-1]


def test_of_a_told_list_what_can_be_seen_is_quoted_once_a_part_in_one_order() -> None:
    rng = random.Random(5)
    left_out = 0
    for _ in range(300):
        scene = random_scene(rng)
        told = visible_phrases(scene, rng)
        quoted = [MEANING.get(phrase, ("", "")) for phrase in quotable(told, scene)]
        seen = {MEANING[phrase] for phrase in told if phrase in MEANING} & set(scene.visible.items())
        assert quoted == sorted(seen, key=lambda meaning: PARTS.index(meaning[0])) or not seen
        left_out += len(told) - len(quoted)
    assert left_out > 100


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
