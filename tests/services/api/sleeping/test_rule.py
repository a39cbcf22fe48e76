"""Asleep or awake, and whose turn it is, for each thing that can be true."""

import pytest

from services.api.sleeping.rule import Use, hindrance, is_to_sleep
from shared.types.lifecycle import StepName


def use(job: str, step: StepName, *, live: bool = False, sleeps: bool = True) -> Use:
    return Use(job, 1, step, live, sleeps)


DESCRIBE, TRAIN, SELECT = StepName.DESCRIBE, StepName.TRAIN, StepName.SELECT_CONCEPTS
GENERATES, WAITS_TO_GENERATE = use("a", DESCRIBE, live=True), use("a", DESCRIBE)
TRAINS, WAITS_TO_TRAIN = use("b", TRAIN, live=True), use("b", TRAIN)
TRAINS_BESIDE = use("b", TRAIN, live=True, sleeps=False)


@pytest.mark.parametrize(
    ("uses", "asleep"),
    [
        ([], False),
        ([GENERATES], False),
        ([TRAINS], True),
        ([WAITS_TO_TRAIN], False),
        ([TRAINS_BESIDE], False),
        ([WAITS_TO_GENERATE, TRAINS], True),
        ([TRAINS_BESIDE, WAITS_TO_TRAIN, GENERATES], False),
    ],
)
def test_the_engine_sleeps_while_a_job_trains_that_wants_it_to(uses: list[Use], asleep: bool) -> None:
    assert is_to_sleep(uses) == asleep


@pytest.mark.parametrize(
    ("mine", "uses", "why"),
    [
        (use("m", TRAIN), [], None),
        (use("m", TRAIN), [GENERATES], "cannot sleep yet: it is at describe of round 1 of a"),
        (use("m", TRAIN), [WAITS_TO_GENERATE], None),
        (use("m", TRAIN), [TRAINS, WAITS_TO_TRAIN], None),
        (use("m", TRAIN, sleeps=False), [GENERATES, TRAINS], None),
        (use("m", DESCRIBE), [], None),
        (use("m", DESCRIBE), [GENERATES, TRAINS_BESIDE], None),
        (use("m", DESCRIBE), [TRAINS], "sleeps for train of round 1 of b"),
        (use("m", DESCRIBE, sleeps=False), [TRAINS], "sleeps for train of round 1 of b"),
        (use("m", DESCRIBE), [GENERATES, WAITS_TO_TRAIN], "is about to sleep for train of round 1 of b"),
        (use("m", SELECT), [TRAINS, GENERATES], None),
    ],
)
def test_a_step_waits_for_its_turn(mine: Use, uses: list[Use], why: str | None) -> None:
    told = hindrance(mine, uses)
    assert told is None if why is None else told is not None and told.endswith(why)


def test_no_two_steps_wait_for_each_other() -> None:
    """Of steps that none is live, some may always begin."""
    pending = [WAITS_TO_GENERATE, WAITS_TO_TRAIN, use("c", DESCRIBE, sleeps=False), use("d", TRAIN)]
    free = [mine for mine in pending if hindrance(mine, [each for each in pending if each is not mine]) is None]
    assert free == [WAITS_TO_TRAIN, use("d", TRAIN)]
