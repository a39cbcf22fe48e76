"""Asleep or awake while batches run, with a model that only notes what it was told."""

import threading

import pytest

from services.generator.engine.sleeping import Asleep, CannotSleep, Sleeper
from shared.errors import DeviceOutOfMemory


class FakeModel:
    can_sleep = True

    def __init__(self) -> None:
        self.told: list[str] = []
        self.has_room = True

    def sleep(self) -> None:
        self.told.append("sleep")

    def wake_up(self) -> None:
        if not self.has_room:
            raise DeviceOutOfMemory("the GPU is full", remedy="Free it.")
        self.told.append("wake_up")


def test_it_falls_asleep_only_when_the_batch_that_runs_is_done() -> None:
    model = FakeModel()
    sleeper = Sleeper(model)
    with sleeper.awake():
        falling = threading.Thread(target=sleeper.sleep)
        falling.start()
        falling.join(0.05)
        assert model.told == []
    falling.join()
    assert model.told == ["sleep"]
    with pytest.raises(Asleep), sleeper.awake():
        pass


def test_it_is_told_once_however_often_it_is_asked() -> None:
    model = FakeModel()
    sleeper = Sleeper(model)
    for ask in (sleeper.wake_up, sleeper.sleep, sleeper.sleep, sleeper.wake_up, sleeper.wake_up):
        ask()
    assert model.told == ["sleep", "wake_up"]


def test_one_that_finds_no_room_sleeps_on_and_can_be_woken_later() -> None:
    model = FakeModel()
    sleeper = Sleeper(model)
    sleeper.sleep()
    model.has_room = False
    with pytest.raises(DeviceOutOfMemory):
        sleeper.wake_up()
    assert sleeper.is_asleep
    model.has_room = True
    sleeper.wake_up()
    sleeper.require_awake()


def test_a_model_that_cannot_leave_its_device_is_never_asleep() -> None:
    model = FakeModel()
    model.can_sleep = False
    sleeper = Sleeper(model)
    with pytest.raises(CannotSleep, match="CPU"):
        sleeper.sleep()
    assert not sleeper.is_asleep
