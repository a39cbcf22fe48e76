"""Bullets, frames and lists, as models and people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.concepts.wording import first_of_each, key_of, listed, tidied


@pytest.mark.parametrize(
    "wrote",
    [
        "- a long tail",
        "* a long tail.",
        "• a long tail;",
        "– a long tail",
        "● a long tail",
        "1. a long tail",
        "12) a long tail",
        "(3) a long tail",
        "a) a long tail",
        "#4: a long tail",
        "- 5. **a long tail**",
        "✓ 'a long tail'",
        '"a long tail",',
        "  a \t long\n tail  ",
        "The bird has a long tail.",
        "It has a long tail",
        "This species usually has a long tail!",
        "Has a long tail",
        "there is a long tail",
        "You can see a long tail.",
        "a long\u200b tail\x00",
    ],
)
def test_only_the_concept_itself_is_left(wrote: str) -> None:
    assert tidied(wrote, "bird") == "a long tail"


@pytest.mark.parametrize("concept", ["the wings are long", "2 white bars", "wings: dark, pointed", "x-ray is grey"])
def test_what_belongs_to_a_concept_stays(concept: str) -> None:
    assert tidied(concept, "bird") == concept


@given(st.text(max_size=80), st.sampled_from(["", "bird", "skin lesion", "a+b("]))
def test_tidying_ends_and_leaves_no_blanks_at_the_borders(text: str, noun: str) -> None:
    once = tidied(text, noun)
    assert len(once) <= len(text) * 3
    assert once == once.strip()


def test_a_models_list_comes_apart_without_its_heading_and_fences() -> None:
    text = "Here are the features:\n```\n- white belly\n- grey back\n\n```"
    assert [tidied(line) for line in listed(text)] == ["white belly", "grey back"]


def test_prose_comes_apart_at_its_sentences_and_commas() -> None:
    assert listed("It has a red wing, a long tail and a grey head. It is small.") == [
        "It has a red wing",
        "a long tail",
        "a grey head",
        "It is small.",
    ]


def test_one_bullet_is_a_list_and_nothing_is_none() -> None:
    assert listed("- a red wing, with a white tip") == ["- a red wing, with a white tip"]
    assert listed(" \n\n ") == []


def test_case_articles_and_punctuation_make_no_other_concept() -> None:
    assert key_of("A White belly.") == key_of("white belly")
    assert key_of("the") == "the"
    assert first_of_each(["White belly", "grey back", "a white belly"]) == (
        ["White belly", "grey back"],
        ["a white belly"],
    )
