"""The cap on fallbacks, over a ledger."""

from hypothesis import given
from hypothesis import strategies as st

from shared.scoring.fallbacks import allowed, cap, pairs_that_count
from shared.types.records import Candidate, CandidateSource


def row(question: int, source: CandidateSource, *, kept: bool) -> Candidate:
    return Candidate(
        example_id="x", question_id=question, kind="simple", question="What is it?", sample=0, source=source,
        text="This is a wren.", finish_reason="stop", score=None, kept=kept, reason="fallback" if kept else "no_label",
    )  # fmt: skip


def ledger(pairs: int, lacking: int) -> list[Candidate]:
    """The first questions have a pair, of each later one there is an answer that was not kept, then its fallback."""
    lost = [(row(k, "answer", kept=False), row(k, "fallback", kept=True)) for k in range(pairs, pairs + lacking)]
    return [*(row(k, "answer", kept=True) for k in range(pairs)), *(each for both in lost for each in both)]


@given(st.integers(0, 60), st.integers(0, 200), st.floats(0, 1))
def test_fallbacks_are_as_many_as_the_cap_allows_and_no_more(lacking: int, pairs: int, share: float) -> None:
    count = len(allowed([("x", k) for k in range(lacking)], pairs, share, seed=1))
    assert count <= share * (pairs + count)
    assert count == lacking or count + 1 > share * (pairs + count + 1)


def test_which_questions_fall_back_is_drawn_by_seed() -> None:
    lacking = [(f"i{k}", 0) for k in range(50)]
    assert allowed(lacking, 40, 0.2, 1) == allowed(lacking[::-1], 40, 0.2, 1) != allowed(lacking, 40, 0.2, 2)


def test_only_fallbacks_beyond_the_cap_are_marked_and_no_row_is_lost() -> None:
    rows = ledger(pairs=8, lacking=5)
    found = cap(rows, 0.2, seed=1)
    assert [each.model_copy(update={"kept": True, "reason": ""}) for each in found if each.source == "fallback"] == [
        each.model_copy(update={"reason": ""}) for each in rows if each.source == "fallback"
    ]
    assert [each for each in found if each.source != "fallback"] == [each for each in rows if each.source != "fallback"]
    reasons = sorted(each.reason for each in found if each.source == "fallback")
    assert reasons == ["fallback"] * 2 + ["fallback_capped"] * 3
    assert sum(each.kept for each in found) == 10


def test_a_share_of_1_keeps_all_and_without_a_pair_any_other_keeps_none() -> None:
    rows = ledger(pairs=0, lacking=5)
    assert cap(rows, 1.0, seed=1) == rows
    assert [sum(each.kept for each in cap(rows, share, seed=1)) for share in (0.99, 0.0)] == [0, 0]
    assert cap([], 0.2, seed=1) == []


def test_fallbacks_count_as_pairs_only_where_they_may_be_all() -> None:
    figures = {"pairs": 10.0, "fallbacks": 4.0}
    assert [pairs_that_count(figures, share) for share in (0.0, 0.4, 1.0)] == [6, 6, 10]
