"""Images' tensors, one image after the other, as one batch. Knows no model: families differ in shapes only."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

ImageInputs = dict[str, Tensor]


def batch_images(images: Sequence[ImageInputs]) -> ImageInputs:
    """Joined in their first dimension: an image each, or all patches of one image after those of another.

    Where other dimensions differ (an image of more tiles, a larger picture) the smaller ones are filled with zeros at
    their end, as processors do it; models take the images' sizes, which are among the tensors, to leave that out.
    Of no image at all there is nothing.
    """
    if not images:
        return {}
    return {key: torch.cat(_alike([image[key] for image in images])) for key in images[0]}


def _alike(tensors: Sequence[Tensor]) -> list[Tensor]:
    largest = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    return [_filled(tensor, largest) for tensor in tensors]


def _filled(tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    """`sizes` are those of all dimensions but the first."""
    missing = [(0, size - own) for size, own in zip(sizes, tensor.shape[1:], strict=True)]
    return pad(tensor, [amount for pair in reversed(missing) for amount in pair])
