from pathlib import Path

import pytest

from services.trainer.plan import TrainPair
from services.trainer.step.gather import gather_instructions, hold_out
from shared.errors import TooFewPairs
from shared.job_settings import EarlyStoppingSettings
from shared.objects import ObjectStore
from shared.types.records import Example, Instruction
from shared.types.tasks import StepTask
from tests.services.trainer.scene import artefact, task_for

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


@pytest.fixture
def task(store: ObjectStore) -> StepTask:
    """Of ten instructions every other one has an image."""
    store.put("images/a.png", b"picture")
    rows = [
        Instruction(id=str(n), image_key=None if n % 2 else "images/a.png", question=f"Q{n}", answer=f"A{n}")
        for n in range(10)
    ]
    return task_for({"instructions": (artefact(store, Instruction, rows, "instructions"),)})


def test_instructions_are_drawn_by_seed_and_none_twice(store: ObjectStore, task: StepTask, tmp_path: Path) -> None:
    def drawn(wanted: int, seed: int) -> list[TrainPair]:
        return gather_instructions(store, task, wanted, seed, tmp_path, lambda: None)

    assert drawn(4, 1) == drawn(4, 1) != drawn(4, 2)
    every = drawn(99, 1)
    assert sorted(pair.question for pair in every) == [f"Q{n}" for n in range(10)]
    assert {(pair.image, pair.image_key, pair.general) for pair in every} == {
        ("a.png", "images/a.png", True),
        ("", "", True),
    }
    assert (tmp_path / "a.png").read_bytes() == b"picture"


def test_a_single_image_cannot_be_held_out() -> None:
    with pytest.raises(TooFewPairs, match="none can be held out"):
        hold_out(examples(1), A_QUARTER, 1)
