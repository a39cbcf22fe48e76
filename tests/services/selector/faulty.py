"""Faulty versions of what the selector does, each with one of the method's known faults. The properties must refute
every one of them; nothing else uses them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from services.selector.encoder import SentenceEncoder
from services.selector.judging import Judge
from shared.types.concepts import ConceptBank
from shared.types.records import Candidate, Description
from tests.services.selector.worlds import TableEncoder

Rows = Sequence[Description]


def scores_against_all_other_images(
    rows: Rows, labels: dict[str, str], bank: ConceptBank, encoder: TableEncoder, tau: float
) -> dict[str, Tensor]:
    """Fault 3, and fault 14: images of the same class are negatives; for each image all others are embedded again."""
    scores = {}
    for key in labels:
        concepts = encoder.encode(bank.concepts[labels[key]])
        own = encoder.encode([row.text for row in rows if row.example_id == key]) @ concepts.T / tau
        others = encoder.encode([row.text for row in rows if row.example_id != key]) @ concepts.T / tau
        scores[key] = (own - torch.logaddexp(own, others.logsumexp(0))).sum(0)
    return scores


def scores_by_exponentials(
    rows: Rows, labels: dict[str, str], bank: ConceptBank, encoder: TableEncoder, tau: float
) -> dict[str, Tensor]:
    """Fault 4: the formula as it stands, in float32."""
    scores = {}
    for key, label in labels.items():
        concepts = encoder.encode(bank.concepts[label]).float()
        own = encoder.encode([row.text for row in rows if row.example_id == key]).float()
        others = encoder.encode([row.text for row in rows if labels[row.example_id] != label]).float()
        positive, negative = torch.exp(own @ concepts.T / tau), torch.exp(others @ concepts.T / tau).sum(0)
        scores[key] = torch.log(positive / (positive + negative)).sum(0)
    return scores


def scores_by_position(
    rows: Rows, labels: dict[str, str], bank: ConceptBank, encoder: TableEncoder, tau: float
) -> dict[str, Tensor]:
    """Fault 7: the k-th image's descriptions are taken to be the k-th share of the rows."""
    scores, share = {}, len(rows) // len(labels)
    for k, (key, label) in enumerate(labels.items()):
        concepts = encoder.encode(bank.concepts[label])
        own = encoder.encode([row.text for row in rows[k * share : (k + 1) * share]]) @ concepts.T / tau
        others = encoder.encode([row.text for row in rows if labels[row.example_id] != label]) @ concepts.T / tau
        scores[key] = (own - torch.logaddexp(own, others.logsumexp(0))).sum(0)
    return scores


def choose_above_mean_and_std(scores: Sequence[float], at_least: int) -> list[int]:
    """Fault 6: a single score has no std (NaN), and fewer than `at_least` are an IndexError."""
    values = torch.tensor(scores, dtype=torch.float64)
    limit = values.mean() + 0.4 * values.std()
    chosen = [k for k, score in enumerate(scores) if score > limit]
    ranking = values.argsort(descending=True)
    return chosen if len(chosen) >= at_least else [int(ranking[k]) for k in range(at_least)]


def answer_scores_against_every_concept(
    bank: ConceptBank, encoder: TableEncoder, answers: Sequence[str], label: str, chosen: Sequence[str]
) -> list[float]:
    """Fault 3: the image's own concepts are negatives, and a shared one counts as often as it occurs."""
    given = encoder.encode(answers)
    own = given @ encoder.encode(chosen).T / 0.1
    every = (given @ encoder.encode(bank.with_repeats()).T / 0.1).logsumexp(1, keepdim=True)
    return [float(score) for score in (own - torch.logaddexp(own, every)).sum(1)]


class BestScoreFirst(Judge):
    """Fault 8: the best-scored candidate is taken before its label is checked."""

    def judged(self, candidates: Sequence[Candidate], label: str) -> list[Candidate]:
        best = max(candidates, key=lambda row: row.score or 0.0)
        named = self.scorer.names(best.text, label) and best.finish_reason == "stop"
        return [row.model_copy(update={"kept": row is best and named, "reason": "x"}) for row in candidates]


class NoFinishCheck(Judge):
    """Fault 16: an answer that hit the token limit is as good as a whole one."""

    def fault(self, candidate: Candidate, label: str) -> str:
        return super().fault(candidate.model_copy(update={"finish_reason": "stop"}), label)


class SubstringScorer:
    """Fault 9: a class is named when its text without digits occurs somewhere."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels

    def names(self, answer: str, label: str) -> bool:
        bare = "".join(letter for letter in label.lower().replace("-", " ") if not letter.isdigit())
        return bare in answer.lower()


class PrefixlessEncoder(SentenceEncoder):
    """Fault 5: texts are embedded as they are, whatever the encoder was trained with."""

    def __init__(self, model: str, prefix: str | None = None) -> None:
        super().__init__(model)
