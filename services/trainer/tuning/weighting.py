"""A loss in which an answer's tokens count differently. Knows batches and logits, no pairs and no schedule.

The weights travel in the batch beside the labels. No model takes them, so that they are taken out of it before.
"""

from typing import Any

import torch
from torch import Tensor

from services.trainer.token_pair import IGNORED

LOSS_WEIGHTS = "loss_weights"


def unweighted(batch: dict[str, Any]) -> dict[str, Any]:
    """The batch as a model takes it: with the plain loss."""
    return {name: value for name, value in batch.items() if name != LOSS_WEIGHTS}


def weighted_loss(logits: Tensor, labels: Tensor, weights: Tensor | None, items: Tensor | int) -> Tensor:
    """The weighted sum of the labels' negative log-likelihoods over `items`. logits [pairs, length, vocabulary], labels
    and weights [pairs, length] (None: all 1); each place predicts the next one's label."""
    told = labels[:, 1:] != IGNORED
    losses = torch.nn.functional.cross_entropy(logits[:, :-1][told].float(), labels[:, 1:][told], reduction="none")
    return (losses if weights is None else losses * weights[:, 1:][told]).sum() / items
