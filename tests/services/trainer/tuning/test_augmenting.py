import random
from typing import get_args

import numpy as np
import pytest
from PIL import Image, ImageDraw

from services.trainer.tuning.augmenting import Views, augmented
from shared.types.domain import Augmentation

ALL: tuple[Augmentation, ...] = get_args(Augmentation)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """Grey, with a red square at its upper left."""
    drawn = Image.new("RGB", (96, 64), (90, 90, 90))
    ImageDraw.Draw(drawn).rectangle((8, 8, 28, 28), fill=(200, 20, 20))
    return drawn


def reds(picture: Image.Image) -> tuple[float, float]:
    """The middle of what is red, as shares of width and height."""
    pixels = np.asarray(picture).astype(int)
    y, x = np.nonzero(pixels[..., 0] - pixels[..., 1] > 60)
    return float(x.mean() / picture.width), float(y.mean() / picture.height)


def views(picture: Image.Image, *augmentations: Augmentation, seed: int = 1) -> list[Image.Image]:
    return [Views(seed, augmentations).of(picture, "a.png", view) for view in range(1, 9)]


@pytest.mark.parametrize("augmentation", ALL)
def test_each_changes_some_pixels_and_never_the_size(picture: Image.Image, augmentation: Augmentation) -> None:
    seen = views(picture, augmentation)
    assert {(view.size, view.mode) for view in seen} == {(picture.size, "RGB")}
    assert any(view.tobytes() != picture.tobytes() for view in seen)


def test_a_view_follows_from_seed_image_and_epoch_alone(picture: Image.Image) -> None:
    first, again, other = (views(picture, *ALL, seed=seed) for seed in (1, 1, 2))
    assert [view.tobytes() for view in first] == [view.tobytes() for view in again]
    assert len({view.tobytes() for view in [*first, *other]}) == 16
    assert Views(1, ALL).of(picture, "b.png", 1).tobytes() != first[0].tobytes()


def test_view_zero_is_the_picture_and_no_augmentation_changes_nothing(picture: Image.Image) -> None:
    assert Views(1, ALL).of(picture, "a.png", 0) is picture
    assert all(view.tobytes() == picture.tobytes() for view in views(picture))


def test_only_flips_bring_the_upper_left_to_another_corner(picture: Image.Image) -> None:
    kept = tuple(name for name in ALL if not name.startswith("flip"))
    assert all(max(reds(view)) < 0.5 for view in views(picture, *kept))
    assert {tuple(part > 0.5 for part in reds(view)) for view in views(picture, "flip_horizontal")} == {
        (False, False),
        (True, False),
    }
    assert max(reds(view)[1] for view in views(picture, "flip_vertical")) > 0.5


def test_a_flip_is_exact(picture: Image.Image) -> None:
    flipped = augmented(picture, ("flip_horizontal",), random.Random(1))
    assert flipped.tobytes() == picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).tobytes()


def test_moving_leaves_colours_and_recolouring_leaves_places(picture: Image.Image) -> None:
    moved = views(picture, "rotation", "affine", "perspective")
    assert all(view.getpixel((60, 40)) == (90, 90, 90) for view in moved)
    recoloured = views(picture, "colour_jitter")
    assert all(reds(view) == reds(picture) for view in recoloured)


def test_what_lies_beyond_the_edge_is_no_black_corner(picture: Image.Image) -> None:
    assert all(min(np.asarray(view).min(axis=(0, 1))) > 10 for view in views(picture, "rotation", "affine"))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 2)])
def test_the_smallest_pictures_can_be_changed(size: tuple[int, int]) -> None:
    assert {view.size for view in views(Image.new("RGB", size, (9, 90, 9)), *ALL)} == {size}
