import pytest

from shared.bare_answer import bare_answer


@pytest.mark.parametrize(
    ("label", "article"),
    [
        ("wren", "a"),
        ("Acadian Flycatcher", "an"),
        ("A310", "an"),
        ("F-16A/B", "an"),
        ("DC-10", "a"),
        ("MD-11", "an"),
        ("ERJ 135", "an"),
        ("Il-76", "an"),
        ("737-800", "a"),
        ("8", "an"),
        ("European robin", "a"),
        ("Eurofighter Typhoon", "a"),
        ("unicorn", "a"),
        ("umbrella bird", "an"),
        ("NORMAL", "a"),
        ("Saab 340", "a"),
        ("Nighthawk", "a"),
        ("Spitfire", "a"),
        ("hourglass tree frog", "an"),
    ],
)
def test_a_bare_answer_has_the_right_article(label: str, article: str) -> None:
    assert bare_answer(label) == f"This is {article} {label}."


def test_a_condition_is_shown_not_had() -> None:
    assert bare_answer("Atelectasis", "condition") == "This shows Atelectasis."
