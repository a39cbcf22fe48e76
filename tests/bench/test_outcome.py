"""The comparison's figures against a truth of four images."""

import pytest

from bench.trials.outcome import distinct_candidates, figures_of
from bench.trials.page import table
from selfsynth.demo.world.measure import Truth
from shared.types.records import Prediction
from tests.bench.test_changes import row

BIRD = {"tail": "fan", "legs": "blue"}
TRUTH = {
    "0": Truth(BIRD, frozenset(), "wren", True),
    "1": Truth(BIRD, frozenset({"tail"}), "wren", False),
    "2": Truth(BIRD, frozenset(), "tit", True),
    "v": Truth(BIRD, frozenset(), "tit", True),
}


def said(id_: str, label: str, predicted: str, text: str) -> Prediction:
    return Prediction(
        example_id=id_, split="validation" if id_ == "v" else "test", label=label, question="?", answer=text,
        finish_reason="stop", predicted=predicted, correct=label == predicted, contains_label=True, repeats=False,
    )  # fmt: skip


ROWS = [
    said("0", "wren", "wren", "A wren: a broad fan tail, bright blue legs."),
    said("1", "wren", "tit", "A tit: a broad fan tail, bright blue legs."),
    said("2", "tit", "kite", "A kite."),
    said("v", "tit", "tit", "A tit."),
]


def test_figures_tell_backgrounds_twins_and_classes_apart() -> None:
    found = figures_of(ROWS, TRUTH, {"wren": "tit", "tit": "wren"})
    assert found["n"] == 3
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert (found["own_background"], found["any_background"], found["validation"]) == (0.5, 0.0, 1.0)
    assert (found["pair_accuracy"], found["worst_class"]) == (pytest.approx(2 / 3), 0.0)
    assert (found["precision"], found["recall"]) == (0.75, pytest.approx(3 / 5))
    assert found["image_blind"] == pytest.approx(5 / 6)


def test_nothing_cited_has_no_precision() -> None:
    assert figures_of(ROWS[2:], TRUTH, {})["precision"] is None


def test_distinct_candidates_are_the_model_s_own() -> None:
    rows = [row("a", sample=k, source="answer", text=text) for k, text in enumerate("xxy")]
    assert distinct_candidates([*rows, row("a", sample=3, source="rationalised", text="z")]) == 2.0
    assert distinct_candidates([row("a")]) is None


def test_the_table_gives_means_over_seeds_and_how_many_there_are() -> None:
    figures = [figures_of(ROWS[:k], TRUTH, {}) | {"pairs": 10} for k in (1, 2)]
    outcomes = [{"arm": "ours", "seed": s, "rounds": [one, one]} for s, one in enumerate(figures)]
    [line] = table(outcomes, {"ours": "the loop"}).splitlines()[2:]
    assert line.startswith("| the loop | 1 | 2 | 3 | 0.750 ± 0.354 |")
