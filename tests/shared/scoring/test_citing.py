import pytest

from shared.scoring.citing import Citing

BANK = ("a red crown", "a smooth crown", "no crest at all", "striped wings", "black and white wings", "a hooked bill")


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("It has a red crown and striped wings.", ["a red crown", "striped wings"]),
        ("Its crown is red, and each wing is striped.", ["a red crown", "striped wings"]),
        ("The wings are red and the crown is blue.", []),
        ("There is no red crown.", []),
        ("There is no crest at all.", ["no crest at all"]),
        ("I see black and white wings.", ["black and white wings"]),
        ("A RED CROWN, a red crown.", ["a red crown"]),
        ("", []),
        ("Ein roter Scheitel; 红色的冠", []),
    ],
)
def test_a_concept_is_cited_by_its_words_in_one_clause_unless_they_are_rejected(text: str, cited: list[str]) -> None:
    assert [each.concept for each in Citing(BANK).citations(text)] == cited


def test_the_place_is_that_in_the_text_as_it_was_written() -> None:
    text = "Ein Blériot: ﬁne, with a red Crown on top."
    [found] = Citing(BANK).citations(text)
    assert text[found.start : found.end] == "red Crown"


def test_wordless_concepts_are_never_cited() -> None:
    assert Citing(["", "the of", "!?"]).concepts("the of !?") == frozenset()


def test_a_long_text_and_a_large_bank_take_no_time_to_speak_of() -> None:
    citing = Citing(
        f"a {colour} {part} {k}" for colour in ("red", "blue") for part in ("wing", "tail") for k in range(900)
    )
    assert citing.concepts("a red wing 7, " * 100) == {"a red wing 7"}
