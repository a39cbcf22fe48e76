"""The demo's figures of one round, measured against the drawn world's truth. Pure: rows in, numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from selfsynth.demo.world.measure import (
    Truth,
    explanation_precision,
    explanation_recall,
    hidden_often,
    image_blind_precision,
)
from shared.scoring.interval import wilson
from shared.scoring.repetition import repeats
from shared.types.records import Prediction


@dataclass(frozen=True)
class RoundFigures:
    """What the table, the plots and report.json show of a round. Shares are in [0, 1].

    Accuracy, precision, recall and repetition are over the test split; `explanation_precision` is the share of cited
    features that are right and visible in the image, `explanation_recall` the share of visible ones that are cited.
    `image_blind_precision` is the precision of citing the true class's features without looking. The
    `hidden_often_` ones are the same three with each part weighted by how often it is hidden: there only looking helps.
    """

    round: int
    accuracy: float
    accuracy_ci: tuple[float, float]
    validation_accuracy: float
    explanation_precision: float
    explanation_recall: float
    image_blind_precision: float
    repetition_rate: float
    hidden_often_precision: float
    hidden_often_recall: float
    hidden_often_image_blind: float
    qa_pairs: int = 0
    fallbacks: int = 0
    rationalised: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON: a precision of nothing cited is null, not NaN."""
        plain = {name: None if value != value else value for name, value in asdict(self).items()}
        return plain | {"accuracy_ci": list(self.accuracy_ci)}


def figures_of(
    round_: int,
    predictions: Sequence[Prediction],
    truth: Mapping[str, Truth],
    counts: Mapping[str, float],
    seconds: Mapping[str, float],
) -> RoundFigures:
    """`counts` are the figures of the round's QA pairs (pairs, fallbacks, rationalised), `seconds` by step."""
    test = [p for p in predictions if p.split == "test"]
    validation = [p for p in predictions if p.split == "validation"]
    answers, truths = [p.answer for p in test], [truth[p.example_id] for p in test]
    correct, weights = sum(p.correct for p in test), hidden_often(truths)
    return RoundFigures(
        round=round_,
        accuracy=correct / len(test),
        accuracy_ci=wilson(correct, len(test)),
        validation_accuracy=sum(p.correct for p in validation) / max(1, len(validation)),
        explanation_precision=explanation_precision(answers, truths),
        explanation_recall=explanation_recall(answers, truths),
        image_blind_precision=image_blind_precision(truths),
        repetition_rate=sum(repeats(p.answer, p.label) for p in test) / len(test),
        hidden_often_precision=explanation_precision(answers, truths, weights),
        hidden_often_recall=explanation_recall(answers, truths, weights),
        hidden_often_image_blind=image_blind_precision(truths, weights),
        qa_pairs=int(counts.get("pairs", 0)),
        fallbacks=int(counts.get("fallbacks", 0)),
        rationalised=int(counts.get("rationalised", 0)),
        seconds=dict(seconds),
    )
