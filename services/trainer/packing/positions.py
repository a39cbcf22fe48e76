"""Where a model sees the tokens of a pair that has a sequence of its own. Knows the model's own way to count."""

import inspect
from typing import Any

import torch
from torch import Tensor

from services.trainer.packing.collate import Positions, counted
from services.trainer.token_pair import TokenPair
from services.trainer.tuning.encoding import PairEncoder


def positions_of(model: Any, encoder: PairEncoder) -> Positions:
    """How `model` places a pair: one number a token, or as its `get_rope_index` says, where an image's tokens stand in
    rows and columns: [axes, length]."""
    inner = model.get_base_model().model
    if not hasattr(inner, "get_rope_index"):
        return counted
    wanted = inspect.signature(inner.get_rope_index).parameters

    def in_space(pair: TokenPair) -> Tensor:
        ids = torch.tensor([pair.ids])
        inputs = encoder.image_inputs(pair.image, pair.view) if pair.image else {}
        image = {key: value for key, value in inputs.items() if key in wanted}
        kinds = (ids == model.config.image_token_id).int()
        positions: Tensor = inner.get_rope_index(ids, **image | {"mm_token_type_ids": kinds})[0]
        return positions[:, 0]

    return in_space
