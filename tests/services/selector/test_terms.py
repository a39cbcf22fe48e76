"""What a job may add to the score of an answer."""

import pytest
import torch

from services.selector.ranking import AnswerRanking
from services.selector.terms import added, of_contrast
from shared.job_settings import PAPER, SelectAnswersSettings, resolve
from shared.types.concepts import ConceptBank
from tests.services.selector.worlds import TableEncoder, candidate

EAST, NORTH = [1.0, 0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0, 0]
ENCODER = TableEncoder(
    {"brown": EAST, "forked": NORTH, "a brown wren": EAST, "it forks": NORTH, "both": [1.0, 1, 0, 0, 0, 0]}
)
BANK = ConceptBank(version=1, concepts={"wren": ("brown",), "kite": ("forked",), "owl": ("forked",), "gone": ()})
ANSWERS = ["a brown wren", "it forks", "both"]


def terms(bank: ConceptBank = BANK, **weights: float) -> list[float]:
    ranking = AnswerRanking(bank, ENCODER, 0.1, "other_classes")
    return added(SelectAnswersSettings(**weights), ranking, ANSWERS, ENCODER.encode(ANSWERS), "wren").tolist()


def test_by_default_and_in_the_paper_nothing_is_added() -> None:
    assert terms() == [0, 0, 0]
    papers = resolve("paper", {}).select_answers
    assert (papers.length_weight, papers.margin_weight) == (0, 0)
    assert not {"length_weight", "margin_weight"} & PAPER["select_answers"].keys()


def test_the_length_term_counts_words() -> None:
    assert terms(length_weight=2.0) == pytest.approx([2 * 1.386294, 2 * 1.098612, 2 * 0.693147], rel=1e-5)


def test_the_margin_is_the_distance_to_the_second_best_class() -> None:
    assert terms(margin_weight=0.5) == pytest.approx([5, -5, 0], abs=1e-9)


def test_without_another_class_there_is_no_margin() -> None:
    assert terms(ConceptBank(version=1, concepts={"wren": ("brown",)}), margin_weight=1.0) == [0, 0, 0]


def test_the_contrast_term_is_what_the_picture_adds() -> None:
    rows = [candidate("a", contrast=0.5), candidate("b", contrast=-0.25), candidate("c")]
    like = torch.zeros(3, dtype=torch.float64)
    assert of_contrast(SelectAnswersSettings(contrast_weight=2.0), rows, like).tolist() == [1.0, -0.5, 0.0]
    assert of_contrast(SelectAnswersSettings(), rows, like).tolist() == [0, 0, 0]
