"""Rejection sampling and fallbacks, without a store."""

from services.selector.fallbacks import fallback
from services.selector.judging import Judge
from shared.job_settings import SelectAnswersSettings, resolve
from shared.scoring.labels import LabelScorer
from tests.services.selector.worlds import candidate

SCORER = LabelScorer(["wren", "kite", "red kite"])
OURS = Judge(SCORER, SelectAnswersSettings())
PAPERS = Judge(SCORER, resolve("paper", {}).select_answers)
REPEATING = "A wren: a short brown tail, a short brown tail."


def reasons(judge: Judge, *answers: tuple[str, float], **fields: str) -> list[str]:
    rows = [candidate(text, k, score=score, **fields) for k, (text, score) in enumerate(answers)]
    return [row.reason for row in judge.judged(rows, "wren")]


def test_every_candidate_has_its_reason() -> None:
    answers = [("A wren.", -3), ("A kite.", -1), ("A wren or a kite.", -1), (REPEATING, -1), ("This wren.", -2)]
    assert reasons(OURS, *answers) == ["lower_score", "no_label", "several_labels", "repeats", "best"]
    assert reasons(OURS, ("A wren.", -1), finish_reason="length") == ["cut_off"]
    assert reasons(PAPERS, ("", -1), finish_reason="failed", failure="HTTP 500") == ["failed"]


def test_what_stands_in_for_a_request_that_failed_is_no_failure_itself() -> None:
    row = fallback(candidate("", finish_reason="failed", failure="HTTP 500"), "wren", "bird", seed=0)
    assert (row.kept, row.finish_reason, row.failure) == (True, "stop", "")


def test_of_equal_scores_the_first_is_kept() -> None:
    assert reasons(OURS, ("A wren.", -1), ("The wren.", -1)) == ["best", "lower_score"]


def test_a_rationalised_answer_is_kept_only_where_no_own_one_is() -> None:
    told = candidate("A wren, as told.", 3, source="rationalised", score=-0.1)
    own = candidate("A wren.", 0, score=-5.0)
    assert [row.kept for row in OURS.judged([own, told], "wren")] == [True, False]
    unfit = own.model_copy(update={"text": "A kite."})
    assert [row.reason for row in OURS.judged([unfit, told], "wren")] == ["no_label", "best"]


def test_the_paper_s_way_takes_the_best_score_before_it_looks_for_the_label() -> None:
    assert reasons(PAPERS, ("A wren.", -2), ("A bird.", -1)) == ["lower_score", "no_label"]
    assert reasons(PAPERS, ("A wren.", -1), ("A bird.", -2)) == ["best", "lower_score"]
    assert reasons(PAPERS, ("No wren but a kite.", -1)) == ["best"]  # the substring rule
    assert reasons(PAPERS, (REPEATING, -1)) == ["best"]


def test_repetition_is_rejected_only_where_the_job_says_so() -> None:
    lenient = Judge(SCORER, SelectAnswersSettings(reject_repetition=False))
    assert reasons(lenient, (REPEATING, -1)) == ["best"]


def test_a_fallback_is_a_simple_question_and_the_bare_label() -> None:
    row = fallback(candidate("A bird.", 2, score=-1.0), "wren", "bird", seed=0)
    assert (row.kind, row.source, row.sample, row.score) == ("simple", "fallback", 3, None)
    assert (row.question, row.text) == ("What is the name of this bird?", "This is a wren.")


def test_a_condition_is_asked_for_and_shown() -> None:
    row = fallback(candidate("A leaf.", 2, score=-1.0), "rust", "leaf", seed=0, asks_for="condition")
    assert (row.question, row.text) == ("What condition does this leaf show?", "This shows rust.")
