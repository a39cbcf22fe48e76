"""What all processes of a training must do alike is agreed upon. Knows no training."""

import torch
from torch import distributed


def any_process(claim: bool, device: torch.device) -> bool:
    """Whether any process claims it; `device` is this one's own. All processes must come here."""
    if not distributed.is_initialized():
        return claim
    claims = torch.tensor(int(claim), device=device)
    distributed.all_reduce(claims, distributed.ReduceOp.MAX)
    return bool(claims.item())
