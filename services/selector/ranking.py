"""s(y) of candidate answers against the concept bank. Knows embeddings and banks, nothing of labels in answers."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from services.selector.encoder import Encoder
from services.selector.infonce import LogSums, log_sum, logits, scores
from shared.types.concepts import ConceptBank

Negatives = Literal["other_classes", "all_concepts"]


class AnswerRanking:
    """Holds the embeddings of the bank's distinct concepts; each is embedded once."""

    def __init__(self, bank: ConceptBank, encoder: Encoder, tau: float, negatives: Negatives) -> None:
        self._bank = bank
        self._encoder = encoder
        self._tau = tau
        self._negatives = negatives
        self._place = {text: k for k, text in enumerate(dict.fromkeys(bank.with_repeats()))}
        self._concepts_ue = encoder.encode(list(self._place))
        self._of_label: dict[str, tuple[Tensor, Tensor]] = {}

    def scores(self, answers: Sequence[str], label: str, chosen: Sequence[str]) -> list[float]:
        """s(y) of each answer about an image of class `label` with the `chosen` concepts. All 0 without any."""
        return self.scores_of_embedded(self._encoder.encode(answers), label, chosen).tolist()

    def scores_of_embedded(self, answers_ye: Tensor, label: str, chosen: Sequence[str]) -> Tensor:
        """The same for embedded answers [Y, E]: [Y] float64."""
        places, counts = self._negatives_of(label)
        negatives = LogSums(answers_ye, self._tau)
        negatives.add(self._concepts_ue[places], counts_n=counts)
        return scores(logits(self._concepts_ue[self._places(chosen)], answers_ye, self._tau), negatives.total_x)

    def margins_of_embedded(self, answers_ye: Tensor, label: str) -> Tensor:
        """How much nearer each answer is to the concepts of its class than to those of the nearest other class: [Y].

        The difference of the two classes' log-means of e^(y.z/tau); 0 where there is no other class.
        """
        nearness = {
            other: self._log_mean(answers_ye, concepts) for other, concepts in self._bank.concepts.items() if concepts
        }
        own_y = nearness.pop(label)
        return own_y - torch.stack(list(nearness.values())).amax(0) if nearness else torch.zeros_like(own_y)

    def _log_mean(self, answers_ye: Tensor, concepts: Sequence[str]) -> Tensor:
        concepts_ze = self._concepts_ue[self._places(concepts)]
        return log_sum(logits(concepts_ze, answers_ye, self._tau)) - math.log(len(concepts))

    def _negatives_of(self, label: str) -> tuple[Tensor, Tensor]:
        """Places of the negatives and how often each counts.

        Ours: each concept of the other classes once, without the texts of the class's own whole bank. The published
        method's: every class's concepts, the image's own included, shared ones as often as they occur.
        """
        if label not in self._of_label:
            if self._negatives == "other_classes":
                counts = Counter(self._bank.without(label))
            else:
                counts = Counter(self._bank.with_repeats())
            self._of_label[label] = self._places(list(counts)), self._tensor(list(counts.values()))
        return self._of_label[label]

    def _places(self, concepts: Sequence[str]) -> Tensor:
        return self._tensor([self._place[concept] for concept in concepts])

    def _tensor(self, numbers: list[int]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.long, device=self._concepts_ue.device)
