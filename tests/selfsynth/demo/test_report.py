"""The demo's figures and page, from hand-made predictions."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from selfsynth.demo.figures import RoundFigures, figures_of
from selfsynth.demo.report import ExplainedImage, Report, rounds_table, write_page
from selfsynth.demo.report.table import COLUMNS, row_of
from selfsynth.demo.settings import JOB, control_settings
from selfsynth.demo.world.measure import Truth
from shared.job_settings import resolve
from shared.types.records import Prediction, Split

TRUTH = {
    "a": Truth({"body": "red", "tail": "fan"}, frozenset()),
    "b": Truth({"body": "red", "tail": "fan"}, frozenset({"tail"})),
    "v": Truth({"body": "red", "tail": "fan"}, frozenset()),
}


def prediction(example: str, split: Split, answer: str, correct: bool) -> Prediction:
    return Prediction(
        example_id=example,
        split=split,
        label="Wren",
        question="?",
        answer=answer,
        finish_reason="stop",
        predicted="Wren" if correct else "none",
        correct=correct,
        contains_label=correct,
        repeats=False,
    )


@pytest.fixture
def figures() -> RoundFigures:
    rows = [
        prediction("a", "test", "It shows a scarlet red body, a broad fan tail, so it is Wren.", True),
        prediction("b", "test", "It shows a broad fan tail, a broad fan tail.", False),
        prediction("v", "validation", "Wren", True),
    ]
    return figures_of(1, rows, TRUTH, {"pairs": 10, "fallbacks": 2}, {"train": 1.5})


def test_accuracy_is_of_the_test_split_and_validation_stands_apart(figures: RoundFigures) -> None:
    assert (figures.accuracy, figures.validation_accuracy) == (0.5, 1.0)
    assert figures.accuracy_ci[0] < 0.5 < figures.accuracy_ci[1]


def test_a_feature_that_is_hidden_counts_against_precision_and_a_missing_one_against_recall(
    figures: RoundFigures,
) -> None:
    assert figures.explanation_precision == pytest.approx(2 / 3)
    assert figures.explanation_recall == pytest.approx(2 / 3)
    assert figures.image_blind_precision == pytest.approx(3 / 4)
    assert figures.repetition_rate == 0.5


def test_weighted_figures_count_the_parts_that_are_hidden_often_alone(figures: RoundFigures) -> None:
    """Only the tail is ever hidden: cited twice, once rightly; it is visible once, in two pictures."""
    weighted = (figures.hidden_often_precision, figures.hidden_often_recall, figures.hidden_often_image_blind)
    assert weighted == (0.5, 1.0, 0.5)


def test_precision_of_nothing_cited_is_blank_and_null() -> None:
    figures = figures_of(0, [prediction("a", "test", "A bird.", False)], TRUTH, {}, {})
    assert figures.as_json()["explanation_precision"] is None
    assert row_of(figures)[2] == ""


def test_the_page_holds_table_examples_and_both_pictures(figures: RoundFigures, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(image)
    example = ExplainedImage(image, "Wren & co", ("tail",), "a wild bird", "a wren")
    selection = {"precision": 0.9, "bank_precision": 0.5}
    report = Report((figures,), (figures,), (example,), selection, 12.3, 7, "transformers", 1)
    page = write_page(report, tmp_path / "out").read_text()
    assert "Wren &amp; co" in page
    assert "0.500 (" in page
    assert page.count("data:image/png;base64,") == 2
    written = json.loads((tmp_path / "out/report.json").read_text())
    assert written["rounds"][0]["seconds"] == {"train": 1.5}
    assert (written["seed"], written["seconds_total"]) == (7, 12.3)


def test_the_table_tells_the_seconds_of_every_step(figures: RoundFigures) -> None:
    assert "train 2 s" in str(rounds_table([figures], "title").caption)


def test_the_table_on_a_terminal_breaks_no_word_at_80_columns(figures: RoundFigures) -> None:
    screen = Console(width=80, record=True, file=io.StringIO())
    screen.print(rounds_table([replace(figures, qa_pairs=123_456)], "title"))
    [headings] = [line for line in screen.export_text().splitlines() if "accuracy" in line]
    assert headings.split() == ["round", "accuracy", "(95%)", "precision", "blind", "recall", "pairs", "fallbacks"]


def test_no_two_columns_of_the_page_have_one_name() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_the_demos_settings_and_its_controls_are_legal() -> None:
    assert resolve("default", JOB).synthesise.mix.explain > 0
    control = resolve("default", control_settings())
    assert control.synthesise.mix.explain == control.answer.mix.step_by_step == 0
    assert control.synthesise.questions == resolve("default", JOB).synthesise.questions
