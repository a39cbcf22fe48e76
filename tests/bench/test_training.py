"""The bench of training on a model small enough for CI. Figures of time are not looked at."""

from typing import Any

import pytest
import torch

from bench.shapes.llava import Shape
from bench.training import Setting, measured

TINY = Shape("tiny", 32, 64, 1, 2, 800, 32, 64, 1, 2)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return measured(Setting(TINY, "cpu", torch.float32, 4, 8, 2, 1, {"plain": (2,), "packed": (8,)}))


def test_both_ways_of_training_give_the_same_weights(figures: dict[str, Any]) -> None:
    assert figures["gradient_error"] < 1e-5
    assert figures["weight_difference"] < 1e-3
    assert figures["loss_difference"] < 1e-3


def test_each_way_is_measured(figures: dict[str, Any]) -> None:
    assert figures["micro_batch"] == {"plain": 2, "packed": 8}
    assert len(figures["speedups"]) == 1
    assert min(figures["plain_pairs_per_s"], figures["packed_pairs_per_s"], figures["speedup_packed"]) > 0
