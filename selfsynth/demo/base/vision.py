"""Stage one: the vision tower learns to see, by naming each part's value (or that it is hidden) from the image tokens.

Knows no words. The heads are thrown away afterwards; the tower stays frozen from then on.
"""

import logging
import random
import time

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlavaForConditionalGeneration

from selfsynth.demo.base.architecture import WIDTH
from selfsynth.demo.base.optimisers import Optimisers
from selfsynth.demo.world.attributes import PARTS, VALUES
from selfsynth.demo.world.scene import Scene

log = logging.getLogger(__name__)
_LARGEST_SHIFT = 3


class PartHeads(nn.Module):
    """For each part one attention-pooled linear classifier over the image tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.queries = nn.Parameter(torch.randn(len(PARTS), WIDTH) * 0.02)
        self.keys = nn.Linear(WIDTH, WIDTH, bias=False)
        self.classify = nn.ModuleList(nn.Linear(WIDTH, len(VALUES[part]) + 1) for part in PARTS)

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """Image tokens (batch, 16, WIDTH) -> for each part logits (batch, values + 1); the last means hidden."""
        x = self.norm(tokens)
        weights = torch.einsum("pd,bnd->bpn", self.queries, self.keys(x)) * 8 / WIDTH**0.5
        pooled = torch.softmax(weights, dim=-1) @ x
        return [classify(pooled[:, i]) for i, classify in enumerate(self.classify)]


def image_tokens(model: LlavaForConditionalGeneration, pixels: Tensor) -> Tensor:
    """(batch, 3, 64, 64) normalised pixels -> (batch, 16, WIDTH): what the projector gets (layer -2, without CLS)."""
    states: Tensor = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[-2]
    return states[:, 1:]


def targets(scenes: list[Scene]) -> Tensor:
    """(scenes, parts) class indices; a hidden part's is the number of its values."""
    return torch.tensor(
        [
            [len(VALUES[p]) if p in scene.hidden else VALUES[p].index(scene.attributes[p]) for p in PARTS]
            for scene in scenes
        ]
    )


def train_tower(
    model: LlavaForConditionalGeneration, pixels: Tensor, wanted: Tensor, steps: int, batch: int, seed: int
) -> PartHeads:
    """Train the tower in place; the returned heads serve for measuring only."""
    rng = random.Random(seed)
    tower, heads = model.model.vision_tower, PartHeads()
    optimisers = Optimisers([tower], [heads], steps, muon=0.02, adam=2e-3)
    started = time.monotonic()
    for step in range(steps):
        rows = torch.tensor(rng.choices(range(len(pixels)), k=batch))
        loss = _loss(heads(image_tokens(model, _shifted(pixels[rows], rng))), wanted[rows])
        optimisers.step(step, loss)
        if step % 50 == 49:
            log.info("vision step %d loss %.3f after %.0f s", step + 1, loss.item(), time.monotonic() - started)
    return heads


@torch.no_grad()
def tower_accuracy(
    model: LlavaForConditionalGeneration, heads: PartHeads, pixels: Tensor, wanted: Tensor
) -> dict[str, float]:
    """Share of right answers for each part, 'hidden' counted as an answer."""
    logits = heads(image_tokens(model, pixels))
    return {p: float((logits[i].argmax(-1) == wanted[:, i]).float().mean()) for i, p in enumerate(PARTS)}


def _loss(logits: list[Tensor], wanted: Tensor) -> Tensor:
    each = [functional.cross_entropy(part, wanted[:, i]) for i, part in enumerate(logits)]
    return torch.stack(each).mean()


def _shifted(pixels: Tensor, rng: random.Random) -> Tensor:
    """The batch a little brighter or darker, and rolled by a few pixels."""
    shift = (rng.randint(-_LARGEST_SHIFT, _LARGEST_SHIFT), rng.randint(-_LARGEST_SHIFT, _LARGEST_SHIFT))
    return torch.roll(pixels + rng.gauss(0, 0.05), shift, (2, 3))
