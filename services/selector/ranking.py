"""s(y) of candidate answers against the concept bank. Knows embeddings and banks, nothing of labels in answers."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from services.selector.encoder import Encoder
from services.selector.infonce import answer_scores, log_sum, logits
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
        self._columns: dict[str, tuple[Tensor, Tensor]] = {}

    def scores(self, answers: Sequence[str], label: str, chosen: Sequence[str]) -> list[float]:
        """s(y) of each answer about an image of class `label` with the `chosen` concepts. All 0 without any."""
        return self.scores_of_embedded(self._encoder.encode(answers), label, chosen).tolist()

    def scores_of_embedded(self, answers_ye: Tensor, label: str, chosen: Sequence[str]) -> Tensor:
        """The same for embedded answers [Y, E]: [Y] float64."""
        logits_yu = logits(answers_ye, self._concepts_ue, self._tau)
        places, log_counts = self._negative_columns(label)
        log_negatives_y = log_sum((logits_yu[:, places] + log_counts).T)
        return answer_scores(logits_yu[:, self._tensor([self._place[c] for c in chosen])], log_negatives_y)

    def _negative_columns(self, label: str) -> tuple[Tensor, Tensor]:
        """Places of the negatives and the logs of how often each counts.

        Ours: each concept of the other classes once, without the texts of the class's own whole bank. The published
        method's: every class's concepts, the image's own included, shared ones as often as they occur.
        """
        if label not in self._columns:
            if self._negatives == "other_classes":
                counts = Counter(self._bank.without(label))
            else:
                counts = Counter(self._bank.with_repeats())
            places = self._tensor([self._place[text] for text in counts])
            logs = torch.tensor([math.log(n) for n in counts.values()], dtype=torch.float64, device=places.device)
            self._columns[label] = places, logs
        return self._columns[label]

    def _tensor(self, places: list[int]) -> Tensor:
        return torch.tensor(places, dtype=torch.long, device=self._concepts_ue.device)
