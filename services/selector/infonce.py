"""The InfoNCE scores of concepts and answers, in log space. Pure: tensors in, tensors out.

Shape suffixes: d descriptions, z concepts, y answers, n negatives, g groups, e the embedding.
A *logit* is a cosine divided by tau. Both scores are sums of terms log(e^a / (e^a + sum over negatives of e^n)) for a
positive logit a. With L the log of the negatives' sum the term is -log(1 + e^(L - a)). Nothing is exponentiated outside
logsumexp, so every score is finite for any tau > 0, and no negatives at all (L = -inf) give a score of 0.
"""

import torch
from torch import Tensor

# Below this the logits themselves would leave the range of float64.
_LEAST_TAU = 1e-290


def logits(one_ae: Tensor, other_be: Tensor, tau: float) -> Tensor:
    """Cosines of normalised embeddings over tau: [A, B] in float64."""
    return (one_ae @ other_be.T).double() / max(tau, _LEAST_TAU)


def log_sum(logits_nx: Tensor) -> Tensor:
    """log of the sum of exponentials over the first axis: [X]; -inf where there is nothing."""
    if logits_nx.shape[0] == 0:
        return logits_nx.new_full(logits_nx.shape[1:], -torch.inf)
    return torch.logsumexp(logits_nx, dim=0)


def concept_scores(own_dz: Tensor, log_negatives_z: Tensor) -> Tensor:
    """s(z), summed over the image's own descriptions: [Z]."""
    return _terms(own_dz, log_negatives_z).sum(0)


def answer_scores(own_yz: Tensor, log_negatives_y: Tensor) -> Tensor:
    """s(y), summed over the image's chosen concepts: [Y]."""
    return _terms(own_yz, log_negatives_y[:, None]).sum(1)


def leave_one_out(log_sums_gz: Tensor) -> Tensor:
    """For every group the log-sum over all *other* groups: [G, Z].

    From running sums before and after the group, so nothing is subtracted and nothing cancels; O(G Z).
    """
    edge_1z = log_sums_gz.new_full((1, log_sums_gz.shape[1]), -torch.inf)
    before_gz = torch.cat([edge_1z, _running(log_sums_gz)[:-1]])
    after_gz = torch.cat([_running(log_sums_gz.flip(0)).flip(0)[1:], edge_1z])
    return torch.logaddexp(before_gz, after_gz)


def _running(log_sums_gz: Tensor) -> Tensor:
    """Running log-sum along the groups."""
    return torch.logcumsumexp(log_sums_gz, dim=0)


def _terms(positive: Tensor, log_negatives: Tensor) -> Tensor:
    excess = log_negatives - positive
    return -torch.logaddexp(torch.zeros_like(excess), excess)


class OtherClassSums:
    """For every concept the log-sum over the descriptions of all other classes, built in one pass.

    `owner_z` is the class index of each concept. The same text in two classes' banks is two concepts.
    """

    def __init__(self, owner_z: Tensor) -> None:
        self._owner_z = owner_z
        self.total_z = torch.full(owner_z.shape, -torch.inf, dtype=torch.float64, device=owner_z.device)

    def add(self, logits_dz: Tensor, owner: int) -> None:
        """Count descriptions that are all of class `owner`, given against all concepts."""
        other_z = self._owner_z != owner
        self.total_z[other_z] = torch.logaddexp(self.total_z[other_z], log_sum(logits_dz[:, other_z]))
