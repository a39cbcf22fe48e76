"""Who sees whom in packed sequences: each token what is shared before it and its own branch before it. Pure."""

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

PADDING = -1


def dense_mask(branches: Tensor) -> Tensor:
    """[rows, 1, length, length], True where the token of the second-last index sees that of the last.

    `branches` [rows, length]: 0 shared, from 1 the number of the branch, PADDING. A token of padding sees itself only:
    a row of a softmax must not be empty.
    """
    length = branches.shape[1]
    places = torch.arange(length, device=branches.device)
    seer, seen = branches[:, :, None], branches[:, None, :]
    visible = ((seen == 0) | (seen == seer)) & (places[:, None] >= places) & (seer != PADDING)
    return (visible | (places[:, None] == places))[:, None]


def block_mask(branches: Tensor) -> BlockMask:
    """The same for flex attention, which skips the blocks where nobody sees anybody."""
    rows, length = branches.shape

    def visible(row: Tensor, head: Tensor, seer: Tensor, seen: Tensor) -> Tensor:
        own, other = branches[row, seer], branches[row, seen]
        return (((other == 0) | (other == own)) & (seer >= seen) & (own != PADDING)) | (seer == seen)

    return create_block_mask(visible, rows, None, length, length, device=branches.device)


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A dense mask as what is added to attention scores: 0, or the least number of `dtype`."""
    return torch.where(mask, 0.0, torch.finfo(dtype).min).to(dtype)
