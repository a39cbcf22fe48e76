"""The formulas of the method as they are written, naively, one image at a time, in float64. For small inputs only."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Described = Mapping[str, tuple[str, Tensor]]  # example id -> label, embedded descriptions [D, E]


def concept_scores(described: Described, concepts_ze: Tensor, key: str, tau: float, negatives: str) -> Tensor:
    """s(z) of one image: [Z]."""
    label, own_de = described[key]
    others = [
        rows
        for other, (its, rows) in described.items()
        if other != key and (negatives == "other_images" or its != label)
    ]
    negatives_nz = torch.exp(torch.cat(others) @ concepts_ze.T / tau) if others else torch.zeros(1, len(concepts_ze))
    positive_dz = torch.exp(own_de @ concepts_ze.T / tau)
    return torch.log(positive_dz / (positive_dz + negatives_nz.sum(0))).sum(0)


def answer_scores(answers_ye: Tensor, chosen_ze: Tensor, negatives_ne: Tensor, tau: float) -> Tensor:
    """s(y) of each answer: [Y]."""
    positive_yz = torch.exp(answers_ye @ chosen_ze.T / tau)
    total_y1 = torch.exp(answers_ye @ negatives_ne.T / tau).sum(1, keepdim=True)
    return torch.log(positive_yz / (positive_yz + total_y1)).sum(1)


def negatives_of(bank: Mapping[str, Sequence[str]], label: str, negatives: str) -> list[str]:
    """The texts that an answer about `label` is held against."""
    if negatives == "all_concepts":
        return [concept for concepts in bank.values() for concept in concepts]
    return sorted({c for other, concepts in bank.items() if other != label for c in concepts} - set(bank[label]))
