"""Attention over packed sequences without a mask of [length, length]: what is shared once, then each branch on its own.

A dense mask computes every token against every other and throws most of it away, half of it even for a single sequence.
Here shared tokens see each other by the causal kernel, and all branches of a pack are a batch that sees the shared part
and itself. Knows transformers' interface of attention functions, nothing of models.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from services.trainer.packing.masks import PADDING

NAME = "shared_prefix"


def as_mask(branches: Tensor) -> Tensor:
    """[packs, 1, 1, length] of the branches [packs, length]: transformers hands masks of four axes on as they are."""
    return branches[:, None, None, :]


def register() -> None:
    """Make NAME known to transformers. Harmless when repeated."""
    AttentionInterface.register(NAME, attend)
    # Sequences that are not packed get the mask, and below the kernel, that they always get.
    AttentionMaskInterface.register(NAME, sdpa_mask)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """`query`, `key`, `value` [packs, heads, length, width of a head]; gives [packs, length, heads, width]."""
    if attention_mask is None or attention_mask.dtype == torch.bool:
        plain: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more
        )
        return plain
    groups = getattr(module, "num_key_value_groups", 1)
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    packs = zip(query, key, value, attention_mask[:, 0, 0], strict=True)
    return torch.stack([_of_pack(*pack, dropout, scaling).transpose(0, 1) for pack in packs]), None


def _of_pack(
    query: Tensor, key: Tensor, value: Tensor, branch: Tensor, dropout: float, scaling: float | None
) -> Tensor:
    """Of one pack: [heads, length, width]. What it gives at places of padding is zero."""
    shared = int((branch == 0).sum())
    sizes = torch.bincount(branch[branch > 0]).tolist()[1:]
    seer, seen, given = (part[None, :, :shared] for part in (query, key, value))
    first = scaled_dot_product_attention(seer, seen, given, dropout_p=dropout, is_causal=True, scale=scaling)[0]
    own_q, own_k, own_v = (_apart(part[:, shared:], sizes) for part in (query, key, value))
    seen_k, seen_v = (
        torch.cat([part[None, :, :shared].expand(len(sizes), -1, -1, -1), own], 2)
        for part, own in ((key, own_k), (value, own_v))
    )
    visible = _visible(shared, max(sizes), query.device)
    own = scaled_dot_product_attention(own_q, seen_k, seen_v, visible, dropout_p=dropout, scale=scaling)
    together = torch.cat([first, *(part[:, :size] for part, size in zip(own, sizes, strict=True))], 1)
    return pad(together, (0, 0, 0, int((branch == PADDING).sum())))


def _apart(branches: Tensor, sizes: list[int]) -> Tensor:
    """From all branches' tokens in a row [heads, tokens, width] to [branches, heads, longest, width]."""
    longest = max(sizes)
    parts = torch.split(branches[:, : sum(sizes)], sizes, 1)
    return torch.stack([pad(part, (0, 0, 0, longest - part.shape[1])) for part in parts])


def _visible(shared: int, longest: int, device: torch.device) -> Tensor:
    """[longest, shared + longest]: what is shared, and of the own branch what is not later. A branch's filling stands
    at its end, where no token of it looks."""
    own = torch.ones(longest, longest, dtype=torch.bool, device=device).tril()
    return torch.cat([torch.ones(longest, shared, dtype=torch.bool, device=device), own], 1)
