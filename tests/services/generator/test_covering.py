import io

import numpy as np
import pytest
from PIL import Image

from services.generator.covering import MOST_PIXELS_A_SIDE, Cover
from tests.services.generator.steps.pictures import picture


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(("side", "grid"), [(16, 4), (17, 3), (5, 2)])
def test_the_cells_are_the_whole_picture_once(side: int, grid: int) -> None:
    seen = np.zeros((side, side), int)
    for left, top, right, bottom in Cover(picture(1, side)).cells(grid):
        seen[top:bottom, left:right] += 1
    assert (seen == 1).all()


def test_only_the_region_is_covered_and_with_one_colour() -> None:
    cover = Cover(picture(1))
    whole, covered = pixels(cover.whole()), pixels(cover.without((4, 0, 8, 4)))
    changed = (whole != covered).any(axis=2)
    assert not changed[4:].any()
    assert not np.delete(changed, np.s_[4:8], axis=1).any()
    assert len(np.unique(covered[0:4, 4:8].reshape(-1, 3), axis=0)) == 1


def test_a_large_picture_is_scaled_down() -> None:
    target = io.BytesIO()
    Image.new("CMYK", (2100, 700)).save(target, "JPEG")
    assert pixels(Cover(target.getvalue()).whole()).shape == (224, MOST_PIXELS_A_SIDE, 3)
