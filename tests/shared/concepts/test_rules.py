"""What speaks against a concept by its words alone."""

import pytest

from shared.concepts.rules import GivesAway, contrast, fault_of, length_fault, says_unseen


@pytest.mark.parametrize(
    ("names", "noun", "concept"),
    [
        (["Black footed Albatross", "001.Black_footed_Albatross"], "bird", "albatross-like bill"),
        (["Black footed Albatross"], "bird", "typical of albatrosses"),
        (["Black footed Albatross"], "bird", "like any black-footed albatross"),
        (["Brewer Blackbird"], "bird", "Brewer's glossy plumage"),
        (["akiec", "actinic keratoses"], "skin lesion", "looks like a keratosis"),
        (["707-320"], "aircraft", "the 707 nose"),
        (["wren", "zaunkoenig"], "bird", "a Zaunkoenig's tail"),
        (["yellow breast"], "bird", "a yellow breast"),
    ],
)
def test_a_concept_that_names_its_class_gives_it_away(names: list[str], noun: str, concept: str) -> None:
    assert GivesAway(names, noun)(concept)


@pytest.mark.parametrize(
    ("names", "noun", "concept"),
    [
        (["Black footed Albatross"], "bird", "black feet and white belly"),
        (["Red winged Blackbird"], "bird", "red shoulder patch on black wings"),
        (["vascular lesions"], "skin lesion", "red lesion with sharp border"),
        (["American Crow"], "bird", "a white crown"),
    ],
)
def test_plain_words_of_looks_give_nothing_away(names: list[str], noun: str, concept: str) -> None:
    assert not GivesAway(names, noun)(concept)


@pytest.mark.parametrize("concept", ["weighs 2 kg", "up to 30 years", "a loud call", "5-6 inches long", "nests here"])
def test_facts_are_unseen(concept: str) -> None:
    assert says_unseen(concept)


@pytest.mark.parametrize("concept", ["4 toes in a row", "dark region around the eyes", "hues range from pink to red"])
def test_looks_are_not_unseen(concept: str) -> None:
    assert not says_unseen(concept)


@pytest.mark.parametrize(
    ("one", "other", "are_two"),
    [
        ("white head", "black head", True),
        ("white body with black wings", "black body with white wings", True),
        ("two white bars", "three white bars", True),
        ("black stripes on the wings", "black stripes on the back", True),
        ("white belly", "a white underside", False),
        ("small scaly patches", "small raised scaly patches", False),
    ],
)
def test_another_colour_part_or_number_makes_another_concept(one: str, other: str, are_two: bool) -> None:
    assert contrast(one, other) == contrast(other, one) == are_two


def test_the_first_fault_is_told() -> None:
    wren = GivesAway(["wren"])
    faults = [fault_of(concept, wren, 5) for concept in ("", "12", "a b c d e f", "a wren", "endangered", "red wing")]
    assert faults == ["empty", "too_short", "too_long", "gives_away", "not_visual", None]
    assert length_fault("x" * 300, 5) == "too_long"
