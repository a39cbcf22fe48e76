"""Held against scikit-learn, which the product does not carry."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from shared.scoring.interval import wilson
from shared.scoring.statistics.confusion import Decisions, class_rows, summary

NAMES = ["finch", "wren", "crane", "none", "several"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES[:3]), st.sampled_from(NAMES)), min_size=1, max_size=40))
def test_the_figures_are_scikit_learns(rows: list[tuple[str, str]]) -> None:
    truths, decided = [t for t, _ in rows], [d for _, d in rows]
    decisions = Decisions(truths, decided)
    accuracy, balanced, macro_f1 = summary(*decisions.hits(np.ones(len(rows))))
    assert accuracy == pytest.approx(np.mean([t == d for t, d in rows]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn wonders at decisions that are no true class
        assert balanced == pytest.approx(balanced_accuracy_score(truths, decided))
    labels = sorted(set(truths))
    assert macro_f1 == pytest.approx(f1_score(truths, decided, labels=labels, average="macro", zero_division=0))


def test_the_matrix_has_columns_for_none_and_several_and_for_classes_that_never_occur() -> None:
    decisions = Decisions(["wren", "wren", "finch"], ["none", "crane", "several"])
    assert (decisions.labels, decisions.columns) == (["finch", "wren"], ["finch", "wren", "crane", "none", "several"])
    assert decisions.matrix().tolist() == [[0, 0, 0, 0, 1], [0, 0, 1, 1, 0]]


def test_a_class_row_tells_whom_the_class_is_taken_for() -> None:
    truths = ["wren"] * 4 + ["finch"] * 2
    [finch, wren] = class_rows(Decisions(truths, ["wren", "finch", "finch", "none", "finch", "finch"]), wilson)
    assert (wren.total, wren.correct, wren.precision) == (4, 1, 1.0)
    assert (wren.taken_for, wren.taken_for_count) == ("finch", 2)
    assert (finch.recall, finch.precision, finch.taken_for) == (1.0, 0.5, None)
    assert (wren.f1, wren.recall_ci) == (0.4, wilson(1, 4))


def test_a_class_that_is_never_named_has_no_precision() -> None:
    [row] = class_rows(Decisions(["wren"], ["none"]), wilson)
    assert (row.precision, row.f1, row.taken_for) == (None, 0.0, "none")


def test_classes_that_are_called_none_or_several_keep_their_columns() -> None:
    assert bool(Decisions(["none", "several"], ["none", "several"]).correct.all())
