"""The comparison's figures against a truth of four images."""

from pathlib import Path

import pytest

from bench.trials.outcome import distinct_candidates, figures_of, found_suspects
from bench.trials.page import differences, draw, table
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


def test_suspects_are_held_against_the_true_species() -> None:
    truth = {f"train-{k}": Truth(BIRD, frozenset(), "wren") for k in range(4)}
    labels = dict.fromkeys(truth, "wren") | {"train-0": "tit", "train-1": "tit"}
    assert found_suspects(["train-0", "train-2", "train-3"], labels, truth) == {
        "suspects": 3, "suspects_precision": pytest.approx(1 / 3), "suspects_recall": 0.5,
    }  # fmt: skip
    assert found_suspects([], labels, truth)["suspects_precision"] is None


def test_rounds_that_are_as_ours_are_not_told_twice() -> None:
    figures = figures_of(ROWS, TRUTH, {}) | {"pairs": 10}
    told = [{"arm": arm, "seed": 0, "rounds": [figures, figures | {"as_ours": arm != "ours"}]} for arm in ("ours", "x")]
    meanings = {"ours": "the loop", "x": "its double"}
    assert "its double" not in table(told, meanings) + differences(told, meanings)


def test_the_table_gives_means_over_seeds_and_how_many_there_are() -> None:
    figures = [figures_of(ROWS[:k], TRUTH, {}) | {"pairs": 10} for k in (1, 2)]
    outcomes = [{"arm": "ours", "seed": s, "rounds": [one, one]} for s, one in enumerate(figures)]
    [line] = table(outcomes, {"ours": "the loop"}).splitlines()[2:]
    assert line.startswith("| the loop | 1 | 2 | 3 | 0.750 ± 0.354 |")


def two_arms() -> list[dict[str, object]]:
    """Each with two rounds' figures (the base's are the first) and two seeds; `other` has a third."""
    better, worse = figures_of(ROWS[:1], TRUTH, {}), figures_of(ROWS[1:], TRUTH, {})
    made: list[dict[str, object]] = [{"arm": "ours", "seed": s, "rounds": [worse, better]} for s in (0, 1)]
    return [*made, *({"arm": "other", "seed": s, "rounds": [worse, worse]} for s in (0, 1, 2))]


def test_differences_are_paired_by_seed_and_have_an_interval() -> None:
    [line] = differences(two_arms(), {"ours": "ours", "other": "the rest"}).splitlines()[2:]
    assert line.startswith("| the rest | 1 | 2 | +1.000 (+1.000 to +1.000) |")


def test_one_seed_has_no_interval() -> None:
    outcomes = [one for one in two_arms() if one["seed"] == 0]
    assert "| the rest | 1 | 1 | +1.000 |" in differences(outcomes, {"ours": "ours", "other": "the rest"})


def test_the_picture_is_drawn_where_some_figures_are_missing(tmp_path: Path) -> None:
    draw(two_arms(), tmp_path / "science.png")
    assert (tmp_path / "science.png").stat().st_size > 1000
