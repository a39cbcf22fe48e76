"""The region of a part is where the picture changes when the part is hidden."""

import random
from dataclasses import replace

import pytest

from selfsynth.demo.world.attributes import PARTS
from selfsynth.demo.world.regions import part_region
from selfsynth.demo.world.scene import SIZE, random_scene, render

_RAGGED = 4  # pixels by which foliage sticks out


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_hidden_within_its_region(part: str) -> None:
    for seed in range(3):
        scene = replace(random_scene(random.Random(seed)), hidden=frozenset())
        changed = (render(scene) != render(replace(scene, hidden=frozenset({part})))).any(axis=2)
        left, top, right, bottom = part_region(scene, part)
        assert changed[top:bottom, left:right].mean() > 0.3
        changed[max(0, top - _RAGGED) : bottom + _RAGGED, max(0, left - _RAGGED) : right + _RAGGED] = False
        assert not changed.any()
        assert (right - left) * (bottom - top) < SIZE * SIZE / 4
