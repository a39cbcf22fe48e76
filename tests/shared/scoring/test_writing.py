"""The ways in which a name may be written, and lists that leave out what their names share."""

import re

import pytest

from shared.scoring.labels import LabelScorer
from shared.scoring.writing import fold, name_pattern

ALBATROSSES = LabelScorer(["Black-footed Albatross", "Laysan Albatross", "Sooty Albatross", "Fish Crow"])
SKIN = LabelScorer(["melanoma", "benign keratosis-like lesions", "vascular lesions"])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("canary", "canaries"), ("canaries", "canary"), ("finch", "finches"), ("finches", "finch"), ("fox", "foxes"),
        ("collie", "collies"), ("horses", "horse"), ("lesions", "lesion"), ("cactus", "cactuses"), ("iris", "irises"),
        ("wolf spider", "Wolf Spiders"), ("tomatoes", "tomato"), ("glass", "glasses"), ("bluejay", "bluejays"),
    ],
)  # fmt: skip
def test_a_name_in_singular_or_plural_is_the_same_name(name: str, other: str) -> None:
    assert re.fullmatch(name_pattern(name), fold(other))
    assert LabelScorer([name]).decide(f"I see the {other} here.") == name


@pytest.mark.parametrize("other", ["canar", "finc", "glas", "caty", "collieses"])
def test_no_other_word_is_taken_for_a_plural(other: str) -> None:
    assert LabelScorer(["canary", "finch", "glass", "cat", "collie"]).decide(f"a {other}") == "none"


def test_of_labels_that_are_singular_and_plural_the_very_word_counts() -> None:
    scorer = LabelScorer(["lesion", "lesions"])
    assert (scorer.decide("a lesion"), scorer.decide("lesions")) == ("lesion", "lesions")


def test_a_class_called_in_plural_is_named_by_its_singular() -> None:
    assert SKIN.decide("A benign keratosis like lesion.") == "benign keratosis-like lesions"


@pytest.mark.parametrize("answer", ["这是麻雀。", "麻雀", "ツバメではなく麻雀です", "麻 雀"])
def test_a_script_without_spaces_needs_none_around_a_name(answer: str) -> None:
    assert LabelScorer(["麻雀", "家燕"]).decide(answer) == "麻雀"


def test_in_such_a_script_the_longest_name_wins_too() -> None:
    scorer = LabelScorer(["燕", "家燕", "참새", "스즈메"])
    assert scorer.decide("这是家燕。") == "家燕"
    assert scorer.decide("이것은 참새입니다") == "참새"
    assert scorer.decide("家燕和참새") == "several"


@pytest.mark.parametrize(
    ("answer", "label"), [("Это воробей!", "воробей"), ("هذا عصفور.", "عصفور"), ("ＷＲＥＮ", "wren")]
)
def test_other_scripts_with_spaces_have_whole_words(answer: str, label: str) -> None:
    scorer = LabelScorer(["воробей", "عصفور", "wren"])
    assert scorer.decide(answer) == label
    assert scorer.decide(f"{label}x") == "none"


@pytest.mark.parametrize(
    "answer",
    [
        "Laysan and Sooty Albatross", "a Laysan or a Sooty albatross", "Laysan/Sooty Albatross",
        "Black-footed, Laysan or Sooty Albatross", "black footed or laysan albatrosses",
    ],
)  # fmt: skip
def test_a_list_that_says_the_shared_word_once_is_a_list(answer: str) -> None:
    assert ALBATROSSES.decide(answer) == "several"


@pytest.mark.parametrize(
    "answer", ["It eats squid and fish: a Sooty Albatross", "black-footed and sooty, an albatross: Sooty Albatross"]
)
def test_words_that_make_no_name_together_are_no_list(answer: str) -> None:
    assert ALBATROSSES.decide(answer) == "Sooty Albatross"
