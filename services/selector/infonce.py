"""The InfoNCE scores of concepts and answers, in log space. Pure: tensors in, tensors out, on the device they come on.

Shape suffixes: x scored items (concepts or answers), p an item's positives, n its negatives, g groups, e the embedding.
A *logit* is a cosine divided by tau. For concepts the positives are the image's descriptions and the negatives other
images' descriptions, for answers the image's chosen concepts and other concepts; the score is the same for both:

    s(x) = sum over p of log( e^(p.x/tau) / ( e^(p.x/tau) + sum over n of e^(n.x/tau) ) )

With L the log of the negatives' sum a term is -log(1 + e^(L - p.x/tau)). Nothing is exponentiated before its maximum is
taken off, so every score is finite for any tau > 0, and no negatives at all (L = -inf) give a score of 0.
"""

import torch
from torch import Tensor

# Below this the logits themselves would leave the range of float64.
_LEAST_TAU = 1e-290
# A rounding error of a cosine is multiplied by 1 / tau: below this, cosines are computed in float64 whatever comes.
_SMALL_TAU = 0.05
# Cells of the largest matrix made at once: 8 MB in float32.
BLOCK_CELLS = 2**21


def logits(one_ae: Tensor, other_be: Tensor, tau: float) -> Tensor:
    """Cosines of normalised embeddings over tau, computed in float64: [A, B]. For positives, which are few."""
    return one_ae.double() @ other_be.double().T / max(tau, _LEAST_TAU)


def scores(positive_px: Tensor, log_negatives_x: Tensor) -> Tensor:
    """s(x) from the logits of the positives and the log-sums of the negatives: [X] float64."""
    excess_px = log_negatives_x - positive_px
    return -torch.logaddexp(torch.zeros_like(excess_px), excess_px).sum(0)


def log_sum(logits_nx: Tensor) -> Tensor:
    """log of the sum of exponentials over the first axis: [X]; -inf where there is nothing."""
    if logits_nx.shape[0] == 0:
        return logits_nx.new_full(logits_nx.shape[1:], -torch.inf)
    return torch.logsumexp(logits_nx, dim=0)


def leave_one_out(log_sums_gx: Tensor) -> Tensor:
    """For every group the log-sum over all *other* groups: [G, X].

    From running sums before and after the group, so nothing is subtracted and nothing cancels; O(G X).
    """
    edge_1x = log_sums_gx.new_full((1, log_sums_gx.shape[1]), -torch.inf)
    before_gx = torch.cat([edge_1x, _running(log_sums_gx)[:-1]])
    after_gx = torch.cat([_running(log_sums_gx.flip(0)).flip(0)[1:], edge_1x])
    return torch.logaddexp(before_gx, after_gx)


class LogSums:
    """For each item the log-sum over texts that stream by: `total_x`, [X] float64.

    Where items have classes (`class_x`, integers), a text never counts for the items of its own class, so that no share
    need be taken out afterwards. No matrix has more than `block_cells` cells, or one row. Cosines are computed in the
    embeddings' own precision, with a small tau in float64; sums of blocks are added up in float64.
    """

    def __init__(
        self, items_xe: Tensor, tau: float, class_x: Tensor | None = None, block_cells: int = BLOCK_CELLS
    ) -> None:
        self._items_xe = items_xe.double() if tau < _SMALL_TAU else items_xe
        self._tau = max(tau, _LEAST_TAU)
        self._class_x = class_x
        self._block_rows = max(1, block_cells // max(1, len(items_xe)))
        self.total_x = torch.full((len(items_xe),), -torch.inf, dtype=torch.float64, device=items_xe.device)

    def add(self, texts_ne: Tensor, class_n: Tensor | None = None, counts_n: Tensor | None = None) -> None:
        """Count the texts, each `counts_n` times (once by default); `class_n` is the class of each."""
        for start in range(0, len(texts_ne), self._block_rows):
            rows = slice(start, start + self._block_rows)
            cosines_nx = texts_ne[rows].to(self._items_xe.dtype) @ self._items_xe.T
            if self._class_x is not None and class_n is not None:
                cosines_nx.masked_fill_(class_n[rows, None] == self._class_x, -torch.inf)
            counts = None if counts_n is None else counts_n[rows]
            self.total_x = torch.logaddexp(self.total_x, _log_sum_in_place(cosines_nx, self._tau, counts))


def _log_sum_in_place(cosines_nx: Tensor, tau: float, counts_n: Tensor | None) -> Tensor:
    """[X] float64. Overwrites the cosines, so that a block needs no second matrix of its size."""
    highest_x = cosines_nx.amax(0).clamp_min(-2)  # finite also where every cell is left out
    least_tau = torch.finfo(cosines_nx.dtype).tiny
    weights_nx = cosines_nx.sub_(highest_x).div_(max(tau, least_tau)).exp_()
    sum_x = weights_nx.sum(0) if counts_n is None else counts_n.to(weights_nx.dtype) @ weights_nx
    return highest_x.double() / tau + sum_x.double().log()


def _running(log_sums_gx: Tensor) -> Tensor:
    """Running log-sum along the groups."""
    return torch.logcumsumexp(log_sums_gx, dim=0)
