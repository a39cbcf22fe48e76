"""What optimiser steps cost in floating point operations, and what the device could do in the time: the MFU (model
FLOPs utilisation, PaLM, arXiv 2204.02311, appendix B). Knows no clock.

A lower bound: the vision tower, the head and the attention scores are left out, and what gradient checkpointing
computes again never counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from services.trainer.packing.packs import packs_of
from services.trainer.plan import Plan
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.lora import layers_of, sketched

# Dense bf16 operations a second, as their makers give it.
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12}


@dataclass(frozen=True)
class Cost:
    """`frozen` and `trained` weights that each token passes. Pairs share sequences of at most `pack_length` tokens, and
    what they have in common is computed once; None: each has a sequence of its own."""

    frozen: int
    trained: int
    pack_length: int | None = None

    def flops(self, pairs: Sequence[TokenPair]) -> float:
        """Forward 2 a weight and token, backward as many again, and as many for the gradient of a trained weight."""
        return float(self._tokens(pairs) * (4 * self.frozen + 6 * self.trained))

    def _tokens(self, pairs: Sequence[TokenPair]) -> int:
        if self.pack_length is None:
            return sum(len(pair.ids) for pair in pairs)
        return sum(pack.length for pack in packs_of(pairs, self.pack_length))


def cost_of(plan: Plan, model: Any, packed: bool) -> Cost:
    """Of training `model`, which may be quantised or shared out: its frozen weights are counted on a sketch."""
    sketch = sketched(plan.model_path)
    layers = layers_of(sketch)
    frozen = sum(sketch.get_submodule(name).weight.numel() for name in (*layers.language, *layers.projector))
    trained = sum(getattr(p, "ds_numel", p.numel()) for p in model.parameters() if p.requires_grad)
    return Cost(frozen, trained, plan.settings.pack_length if packed else None)


def peak_flops() -> float | None:
    """Of this process's device, a second; None where it is not known, as on a CPU."""
    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((peak for known, peak in PEAK_FLOPS.items() if known in name), None)
