"""A round's figures from its steps' counts."""

import pytest

from services.api.views.figures import RoundFigures, best_round, learnt_nothing, round_figures, summed
from shared.types.lifecycle import StepName


def test_counts_of_shards_are_added_up() -> None:
    assert summed([{"a": 1, "b": 2}, {"a": 3}]) == {"a": 4, "b": 2}


def test_shares_come_from_counts_and_what_was_not_measured_is_none() -> None:
    figures = round_figures({StepName.EVALUATE: {"test_total": 8, "test_correct": 6, "test_repeats": 2}})
    assert (figures.accuracy, figures.repetition_rate) == (0.75, 0.25)
    assert (figures.validation_accuracy, figures.pairs) == (None, None)
    assert figures.accuracy_ci == pytest.approx((0.4093, 0.9285), abs=1e-4)
    assert round_figures({}) == RoundFigures()


def test_what_is_known_of_explanations_is_told_by_name() -> None:
    counts = {"explained_answers": 4.0, "explained_citing": 3.0, "explained_cited": 0.0, "judge_unanswered": 2.0}
    figures = round_figures({StepName.EVALUATE: counts})
    assert figures.explanation == {"citing_share": 0.75, "concepts_an_answer": 0.0, "judge_unanswered": 2.0}


def test_the_best_round_is_the_best_on_validation_and_the_earlier_of_equals() -> None:
    rounds = {
        0: RoundFigures(accuracy=0.9, validation_accuracy=0.1),
        1: RoundFigures(accuracy=0.2, validation_accuracy=0.8),
        2: RoundFigures(accuracy=0.3, validation_accuracy=0.8),
        3: RoundFigures(accuracy=1.0),
    }
    assert best_round(rounds) == 1
    assert best_round({0: RoundFigures(accuracy=1.0)}) is None


def test_a_job_none_of_whose_rounds_is_better_than_its_base_is_told_of() -> None:
    base, as_good, better = (RoundFigures(validation_accuracy=share) for share in (0.25, 0.25, 0.5))
    assert "nothing was learnt: of the validation images the base names 0.250" in (
        learnt_nothing({0: base, 1: as_good}) or ""
    )
    assert learnt_nothing({0: base, 1: as_good, 2: better}) is None
    assert learnt_nothing({0: base}) is None
    assert learnt_nothing({0: RoundFigures(), 1: RoundFigures(accuracy=0.0)}) is None
