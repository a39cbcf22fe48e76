"""Random birds as pixels, the way the shipped processor would hand them to the model. Knows no species."""

import random

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfsynth.demo.world.scene import Scene, random_scene, render

MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)


def random_birds(count: int, seed: int) -> tuple[list[Scene], Tensor]:
    """Scenes with random attributes and their normalised pixels (count, 3, 64, 64)."""
    rng = random.Random(seed)
    scenes = [random_scene(rng) for _ in range(count)]
    return scenes, normalised(np.stack([render(scene) for scene in scenes]))


def normalised(images: NDArray[np.uint8]) -> Tensor:
    """(n, 64, 64, 3) uint8 -> (n, 3, 64, 64) float32 with CLIP's mean and spread."""
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return (scaled - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(SPREAD).view(1, 3, 1, 1)
