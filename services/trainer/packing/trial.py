"""Whether a model can be trained on packed sequences, found out by trying it: no list of models could be complete.

Models whose attention is windowed or recurrent, or whose positions do not restart, give other gradients when packed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import torch
from torch import Tensor

from services.trainer.packing.attention import NAME as SHARED_PREFIX
from services.trainer.packing.attention import as_mask, register
from services.trainer.packing.collate import Mask, PackCollator
from services.trainer.packing.masks import additive, block_mask, dense_mask
from services.trainer.packing.positions import positions_of
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.weighting import unweighted

log = structlog.get_logger(__name__)

Collator = Callable[[Sequence[TokenPair]], dict[str, Any]]
_PAIRS = 3


@dataclass(frozen=True)
class Sequences:
    """How pairs become sequences. `why_not` is empty where they are packed; `refused` where it is the model's fault."""

    collate: Collator
    why_not: str
    refused: bool = False

    @property
    def packed(self) -> bool:
        return not self.why_not


@dataclass(frozen=True)
class Trial:
    """Compares the gradients of a few pairs of one image, packed and separate. `tolerance` is the largest relative
    error; the precision that the model computes in decides it."""

    model: Any
    encoder: PairEncoder
    pad_id: int
    limit: int
    autocast: bool

    @property
    def tolerance(self) -> float:
        return 5e-2 if self.autocast else 1e-3

    def sequences(self, pairs: Sequence[TokenPair], wanted: bool) -> Sequences:
        """Packed if `wanted`, if some image has several of the `pairs`, and if the model computes the same that way."""
        plain = PairCollator(self.encoder, self.pad_id)
        if not wanted:
            return Sequences(plain, "train.packing is off")
        neighbours = _of_one_image(pairs)
        if len(neighbours) < 2:
            return Sequences(plain, "no image has several pairs")
        return self._tried(plain, neighbours)

    def _tried(self, plain: PairCollator, pairs: list[TokenPair]) -> Sequences:
        separate = self.gradient(plain(pairs))
        why_not = ""
        for implementation, mask in self._ways():
            before = _attention(self.model)
            _set_attention(self.model, implementation)
            packed = PackCollator(self.encoder, self.pad_id, self.limit, positions_of(self.model, self.encoder), mask)
            why_not = self._fault(packed, pairs, separate)
            if not why_not:
                return Sequences(packed, "")
            log.info("packing tried in vain", attention=implementation, why=why_not)
            _set_attention(self.model, before)
        return Sequences(plain, why_not, refused=True)

    def _fault(self, packed: PackCollator, pairs: list[TokenPair], separate: Tensor) -> str:
        try:
            error = float((self.gradient(packed(pairs)) - separate).norm() / separate.norm())
        # The code that is tried is the model's and its kernels': there is no telling what it raises.
        except Exception as fault:
            return f"the base model cannot compute packed sequences ({type(fault).__name__}: {str(fault)[:200]})"
        if error <= self.tolerance:
            return ""
        return f"the base model's gradients differ by {error:.1e} when sequences are packed"

    def gradient(self, batch: dict[str, Any]) -> Tensor:
        """Of all trained weights, flat. Without dropout, whose draws would differ."""
        device = self.model.device
        on_device = {key: value.to(device) for key, value in unweighted(batch).items()}
        trained = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.model.eval()
        with torch.autocast(device.type, torch.bfloat16, enabled=self.autocast):
            loss = self.model(**on_device).loss
        gradients = torch.autograd.grad(loss, trained, allow_unused=True)
        self.model.train()
        return torch.cat([gradient.float().flatten() for gradient in gradients if gradient is not None])

    def _ways(self) -> list[tuple[str, Mask]]:
        """The fastest first. Flex attention skips what nobody sees, but only where it is compiled for an accelerator;
        without one the same is got by parts."""
        now = _attention(self.model)
        if now == "eager":
            return [(now, lambda branches: additive(dense_mask(branches), self.model.dtype))]
        if self.model.device.type == "cuda":
            return [("flex_attention", lambda branches: block_mask(branches.cuda())), (now, dense_mask)]
        register()
        return [(SHARED_PREFIX, as_mask), (now, dense_mask)]


def _of_one_image(pairs: Sequence[TokenPair]) -> list[TokenPair]:
    """A few of the image that has, beside others, the longest pair: what sees only so far back shows it there."""
    by_image: dict[str, list[TokenPair]] = {}
    for pair in sorted((pair for pair in pairs if pair.image), key=lambda pair: -len(pair.ids)):
        by_image.setdefault(pair.image, []).append(pair)
    several = (each for each in by_image.values() if len(each) > 1)
    return next(several, [])[:_PAIRS]


def _attention(model: Any) -> str:
    """The implementation that the language model uses."""
    return str(model.config.get_text_config()._attn_implementation)


def _set_attention(model: Any, implementation: str) -> None:
    """For the language model only: the vision tower has its own ways, and nothing to mask."""
    if implementation != _attention(model):
        model.get_base_model().set_attn_implementation({"text_config": implementation})
