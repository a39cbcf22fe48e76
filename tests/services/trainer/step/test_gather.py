import pytest

from services.trainer.step.gather import hold_out
from shared.errors import TooFewPairs
from shared.job_settings import EarlyStoppingSettings
from shared.types.records import Example

A_QUARTER = EarlyStoppingSettings(share=0.25)


def examples(count: int, groups: int | None = None) -> list[Example]:
    return [example(number, f"patient{number % groups}" if groups else None) for number in range(count)]


def example(number: int, group: str | None) -> Example:
    key = f"images/{number}.png"
    same = {"label": "wren", "split": "train", "width": 9, "height": 9, "sha256": "0", "source": "x"}
    return Example.model_validate(same | {"id": str(number), "image_key": key, "group": group})


def test_a_share_of_the_images_is_held_out_by_the_seed_alone() -> None:
    images = examples(40)
    assert len(hold_out(images, A_QUARTER, 1)) == 10
    assert hold_out(images, A_QUARTER, 1) == hold_out(images[::-1], A_QUARTER, 1) != hold_out(images, A_QUARTER, 2)


def test_images_of_a_group_stay_together() -> None:
    images = examples(40, groups=8)
    held = hold_out(images, A_QUARTER, 1)
    assert len({image.group for image in held}) == 2
    assert not {image.group for image in held} & {image.group for image in images if image not in held}


def test_at_least_one_image_is_held_out_and_one_is_trained_on() -> None:
    assert len(hold_out(examples(3), EarlyStoppingSettings(share=0.001), 1)) == 1
    assert len(hold_out(examples(2), EarlyStoppingSettings(share=0.5), 1)) == 1


def test_without_early_stopping_none_is_held_out() -> None:
    assert hold_out(examples(3), None, 1) == set()


def test_a_single_image_cannot_be_held_out() -> None:
    with pytest.raises(TooFewPairs, match="none can be held out"):
        hold_out(examples(1), A_QUARTER, 1)
