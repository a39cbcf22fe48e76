import pytest

from shared.scoring.labels import LabelScorer
from shared.scoring.suspects import suspect_labels
from shared.types.records import Candidate, CandidateSource, FinishReason, SuspectLabel

SCORER = LabelScorer(["wren", "kite", "tit"])


def said(
    *texts: str, image: str = "a", source: CandidateSource = "answer", end: FinishReason = "stop"
) -> list[Candidate]:
    return [
        Candidate(
            example_id=image, question_id=0, kind="explain", question="?", sample=k, source=source, text=text,
            finish_reason=end, score=None, kept=False, reason="",
        )
        for k, text in enumerate(texts)
    ]  # fmt: skip


def found(rows: list[Candidate], least: float = 0.5) -> list[SuspectLabel]:
    return suspect_labels(rows, {"a": "wren", "b": "kite"}, SCORER, least)


def test_answers_that_agree_on_another_class_put_the_label_in_doubt() -> None:
    [one] = found(said("A kite.", "A kite, it is.", "A wren.", "Some bird."))
    assert (one.label, one.instead, one.share, one.own_share, one.answers) == ("wren", "kite", 0.5, 0.25, 4)


def test_answers_that_name_many_classes_do_not() -> None:
    assert found(said("A kite.", "A tit.", "A wren.", "A kite or a tit?")) == []


@pytest.mark.parametrize("text", ["A wren.", "Some bird.", "A kite or a wren.", ""])
def test_the_label_none_and_several_are_no_other_class(text: str) -> None:
    assert found(said(text, text)) == []


def test_answers_that_were_told_the_label_or_never_came_say_nothing() -> None:
    assert found(said("A kite.", source="rationalised") + said("A kite.", source="fallback")) == []
    assert found(said("A kite.", end="failed")) == []


def test_the_most_suspect_comes_first() -> None:
    rows = said("A kite.", "A wren.", image="a") + said("A tit.", "A tit.", image="b")
    assert [(one.example_id, one.instead) for one in found(rows)] == [("b", "tit"), ("a", "kite")]
    assert [one.example_id for one in found(rows, 0.9)] == ["b"]
