"""A text that repeats itself is found by its words alone."""

import pytest

from shared.scoring.repetition import repeats


@pytest.mark.parametrize(
    "text",
    [
        "It has a bright red body, a bright red body and a long tail.",
        "its red body, a red body",
        "red body and a red body",
        "a beak, a very long tail. It also has a very long tail",
        "tail tail tail",
        "long tail long tail",
    ],
)
def test_a_phrase_listed_twice_is_a_repetition(text: str) -> None:
    assert repeats(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "This is a vorlin.",
        "It has a bright red body, a long tail and a short crest.",
        "a red head and a red tail",
        "a long, long tail",
    ],
)
def test_different_features_are_no_repetition(text: str) -> None:
    assert not repeats(text)


def test_the_label_itself_may_occur_often() -> None:
    text = "A Red winged Blackbird: the red_winged blackbird has epaulets."
    assert not repeats(text, "Red winged Blackbird")
    assert repeats(text)


def test_words_around_the_label_do_not_join_into_a_trigram() -> None:
    assert not repeats("a big vorlin bird, then big and bird", "vorlin")
    assert not repeats("one two vorlin three, then one two three", "vorlin")
