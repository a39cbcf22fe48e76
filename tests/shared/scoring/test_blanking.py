"""An explanation without the names of classes, for a reader who is to guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.scoring.labels import LabelScorer
from shared.scoring.writing import fold, fold_with_places

SCORER = LabelScorer(["Red Kite", "Blériot XI", "wren", "737-200"], {"wren": ["jenny wren"]})


@pytest.mark.parametrize(
    ("answer", "blanked"),
    [
        ("This is a Red Kite, for its tail is forked.", "This is X, for its tail is forked."),
        ("RED-KITES have it; no wren does.", "X have it; no X does."),
        ("The Jenny Wren.", "X."),
        ("A bleriot xi? ﬁne: Blériot XI!", "X? ﬁne: X!"),
        ("A 737-200/300.", "X/300."),
        ("Nothing is named.", "Nothing is named."),
        ("", ""),
    ],
)
def test_every_class_s_name_is_taken_out_however_it_is_written(answer: str, blanked: str) -> None:
    assert SCORER.blanked(answer, "X") == blanked


@given(st.text(max_size=40))
def test_letter_by_letter_a_text_folds_as_it_does_whole(text: str) -> None:
    folded, places = fold_with_places(text)
    assert folded == fold(text)
    assert len(places) == len(folded) + 1
    assert places == sorted(places)


@given(st.lists(st.sampled_from(["a ", "Red Kite", "wren", ", or ", "the ", "blériot xi ", "tail "]), max_size=6))
def test_nothing_is_named_any_more(pieces: list[str]) -> None:
    assert SCORER.decide(SCORER.blanked("".join(pieces), "~")) == "none"
