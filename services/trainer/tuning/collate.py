"""From token ids to padded batches. Knows nothing of texts, templates and training."""

from collections.abc import Sequence

import torch

from services.trainer.token_pair import IGNORED, TokenPair
from services.trainer.tuning.encoding import PairEncoder
from services.trainer.tuning.images import batch_images
from services.trainer.tuning.weighting import LOSS_WEIGHTS


class PairCollator:
    """Pads a micro batch on the right: input_ids, attention_mask, labels (pairs, longest), where tokens
    count differently their weights in the loss, and the images' tensors."""

    def __init__(self, encoder: PairEncoder, pad_id: int) -> None:
        self._encoder = encoder
        self._pad_id = pad_id

    def __call__(self, pairs: Sequence[TokenPair]) -> dict[str, torch.Tensor]:
        width = max(len(pair.ids) for pair in pairs)
        ids = [[*pair.ids, *[self._pad_id] * (width - len(pair.ids))] for pair in pairs]
        labels = [[*pair.labels, *[IGNORED] * (width - len(pair.ids))] for pair in pairs]
        mask = [[1] * len(pair.ids) + [0] * (width - len(pair.ids)) for pair in pairs]
        batch = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask), "labels": torch.tensor(labels)}
        if any(pair.weights for pair in pairs):
            weights = [[*pair.all_weights, *[0.0] * (width - len(pair.ids))] for pair in pairs]
            batch[LOSS_WEIGHTS] = torch.tensor(weights)
        images = [self._encoder.image_inputs(pair.image, pair.view) for pair in pairs if pair.image]
        return batch | self._encoder.token_kinds(batch["input_ids"]) | batch_images(images)
