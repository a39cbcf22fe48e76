"""From token pairs to a batch of packed sequences. Knows nothing of the model but how it wants mask and positions."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from services.trainer.packing.masks import PADDING, dense_mask
from services.trainer.packing.packs import Pack, packs_of
from services.trainer.token_pair import IGNORED, TokenPair
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.images import batch_images
from services.trainer.tuning.weighting import LOSS_WEIGHTS

N = TypeVar("N", int, float)
Positions = Callable[[TokenPair], Tensor]
Mask = Callable[[Tensor], Any]


def counted(pair: TokenPair) -> Tensor:
    """The positions of a model that counts its tokens: [length]."""
    return torch.arange(len(pair.ids))


class PackCollator:
    """Packs neighbouring pairs of an image and pads the packs on the right.

    Gives input_ids and labels [packs, longest], position_ids [..., packs, longest], attention_mask as `mask` makes it
    of the branches [packs, longest], and the images' tensors, one image a pack.

    `positions` gives a pair's own positions [..., length] as the model would count them in a sequence of its own.
    """

    def __init__(
        self,
        encoder: PairEncoder,
        pad_id: int,
        limit: int,
        positions: Positions = counted,
        mask: Mask = dense_mask,
    ) -> None:
        self._encoder = encoder
        self._pad_id = pad_id
        self._limit = limit
        self._positions = positions
        self._mask = mask

    def __call__(self, pairs: Sequence[TokenPair]) -> dict[str, Any]:
        packs = packs_of(pairs, self._limit)
        width = max(pack.length for pack in packs)
        return {
            "input_ids": torch.tensor([_padded(pack.ids, width, self._pad_id) for pack in packs]),
            "labels": torch.tensor([_padded(pack.labels, width, IGNORED) for pack in packs]),
            "position_ids": torch.stack([self._placed(pack, width) for pack in packs], -2),
            "attention_mask": self._mask(torch.tensor([_padded(pack.branches, width, PADDING) for pack in packs])),
            **_weights(packs, width),
        } | self._images(packs)

    def _placed(self, pack: Pack, width: int) -> Tensor:
        """Each branch goes on from where the shared part ended, as if the others were not there."""
        own = [self._positions(pair)[..., pack.shared :] for pair in pack.pairs]
        placed = torch.cat([self._positions(pack.pairs[0])[..., : pack.shared], *own], -1)
        return torch.nn.functional.pad(placed, (0, width - placed.shape[-1]))

    def _images(self, packs: Sequence[Pack]) -> dict[str, Tensor]:
        return batch_images([self._encoder.image_inputs(pack.image, pack.view) for pack in packs if pack.image])


def _weights(packs: Sequence[Pack], width: int) -> dict[str, Tensor]:
    """Empty where all tokens count alike."""
    if not any(pair.weights for pack in packs for pair in pack.pairs):
        return {}
    return {LOSS_WEIGHTS: torch.tensor([_padded(pack.weights, width, 0.0) for pack in packs])}


def _padded(values: list[N], width: int, filling: N) -> list[N]:
    return values + [filling] * (width - len(values))
