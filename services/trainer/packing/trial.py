"""Whether a model can be trained on packed sequences, found out by trying it: no list of models could be complete.

Models whose attention is windowed or recurrent, or whose positions do not restart, give other gradients when packed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import torch
from torch import Tensor

from services.trainer.packing.attention import NAME as SHARED_PREFIX
from services.trainer.packing.attention import as_mask, register
from services.trainer.packing.collate import Mask, PackCollator
from services.trainer.packing.masks import additive, block_mask, dense_mask
from services.trainer.packing.packs import packs_of
from services.trainer.packing.positions import positions_of
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.collate import PairCollator
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.memory import is_out_of_memory
from services.trainer.tuning.weighting import unweighted

log = structlog.get_logger(__name__)

Collator = Callable[[Sequence[TokenPair]], dict[str, Any]]
_PAIRS = 2


@dataclass(frozen=True)
class Sequences:
    """How pairs become sequences, and the language model's `attention` for them. `why_not` is empty where they are
    packed; `refused` where it is not the user's wish and not for want of pairs."""

    collate: Collator
    attention: str
    why_not: str
    refused: bool = False

    @property
    def packed(self) -> bool:
        return not self.why_not


class Trial:
    """Compares the gradients of two pairs of one image, packed and separate. It wants no more memory than training with
    a pair or two a forward pass: one sequence at a time, and gradient checkpointing where the model is set to it."""

    def __init__(self, model: Any, encoder: PairEncoder, pad_id: int, limit: int, autocast: bool) -> None:
        """`model` has the attention that separate sequences get."""
        self._model = model
        self._encoder = encoder
        self._pad_id = pad_id
        self._limit = limit
        self._autocast = autocast
        self._attention = _attention(model)

    @property
    def tolerance(self) -> float:
        """The largest relative error; the precision that the model computes in decides it."""
        return 5e-2 if self._autocast else 1e-3

    def sequences(self, pairs: Sequence[TokenPair], wanted: bool, first: str = "") -> Sequences:
        """Packed if `wanted`, if some image has several of the `pairs`, and if the model computes the same that way.
        The attention `first` is tried before others. The model is left with the attention that is chosen."""
        if not wanted:
            return self.plain("train.packing is off")
        neighbours = _of_one_image(pairs)
        if len(neighbours) < 2:
            return self.plain("no image has several pairs")
        try:
            return self._tried(neighbours, first)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        return self.plain("there is not enough memory to try it on two pairs", refused=True)

    def plain(self, why_not: str, refused: bool = False) -> Sequences:
        """A sequence for each pair."""
        set_attention(self._model, self._attention)
        return Sequences(PairCollator(self._encoder, self._pad_id), self._attention, why_not, refused)

    def _tried(self, pairs: list[TokenPair], first: str) -> Sequences:
        separate = self.gradient(PairCollator(self._encoder, self._pad_id), [[pair] for pair in pairs])
        why_not = ""
        for implementation, mask in sorted(self._ways(), key=lambda way: way[0] != first):
            set_attention(self._model, implementation)
            positions = positions_of(self._model, self._encoder)
            packed = PackCollator(self._encoder, self._pad_id, self._limit, positions, mask)
            why_not = self._fault(packed, pairs, separate)
            if not why_not:
                return Sequences(packed, implementation, "")
            log.info("packing tried in vain", attention=implementation, why=why_not)
        return self.plain(why_not, refused=True)

    def _fault(self, packed: PackCollator, pairs: list[TokenPair], separate: Tensor) -> str:
        passes = [pack.pairs for pack in packs_of(pairs, self._limit)]
        try:
            error = float((self.gradient(packed, passes) - separate).norm() / separate.norm())
        # The code that is tried is the model's and its kernels': there is no telling what it raises.
        except Exception as fault:
            if is_out_of_memory(fault):
                raise
            return f"the base model cannot compute packed sequences ({type(fault).__name__}: {str(fault)[:200]})"
        if error <= self.tolerance:
            return ""
        return f"the base model's gradients differ by {error:.1e} when sequences are packed"

    def gradient(self, collate: Collator, passes: Sequence[Sequence[TokenPair]]) -> Tensor:
        """Of the loss of all pairs, a mean over their answers' tokens, computed in `passes`: of all trained weights,
        flat, on the CPU. Without dropout, whose draws would differ."""
        sizes = [sum(len(pair.ids) - pair.prompt_length for pair in pairs) for pairs in passes]
        with _without_dropout(self._model):
            parts = (
                self._of_pass(collate(pairs), size / sum(sizes)) for pairs, size in zip(passes, sizes, strict=True)
            )
            total = next(parts)
            for part in parts:
                total += part
        return total

    def _of_pass(self, batch: dict[str, Any], share: float) -> Tensor:
        device = self._model.device
        on_device = {key: value.to(device) for key, value in unweighted(batch).items()}
        trained = [weight for weight in self._model.parameters() if weight.requires_grad]
        with torch.autocast(device.type, torch.bfloat16, enabled=self._autocast):
            loss = self._model(**on_device).loss * share
        gradients = torch.autograd.grad(loss, trained, allow_unused=True)
        # On the CPU they take no room from the next pass's activations.
        return torch.cat([gradient.float().flatten().cpu() for gradient in gradients if gradient is not None])

    def _ways(self) -> list[tuple[str, Mask]]:
        """The fastest first. Flex attention skips what nobody sees, but only where it is compiled for an accelerator;
        without one the same is got by parts."""
        now = self._attention
        if now == "eager":
            return [(now, lambda branches: additive(dense_mask(branches), self._model.dtype))]
        if self._model.device.type == "cuda":
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


@contextmanager
def _without_dropout(model: Any) -> Iterator[None]:
    """Nothing is in training but what checkpoints gradients, which happens in training only."""
    model.eval()
    for module in model.modules():
        module.training = bool(getattr(module, "gradient_checkpointing", False))
    try:
        yield
    finally:
        model.train()


def _attention(model: Any) -> str:
    """The implementation that the language model uses."""
    return str(model.config.get_text_config()._attn_implementation)


def set_attention(model: Any, implementation: str) -> None:
    """For the language model only: the vision tower has its own ways, and nothing to mask."""
    if implementation != _attention(model):
        model.get_base_model().set_attn_implementation({"text_config": implementation})
