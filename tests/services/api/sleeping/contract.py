"""What the coordinator needs of an engine that sleeps, as tests: run against the fake one and the real one alike."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.api.sleeping.engines import CannotSleep, Engines


@dataclass(frozen=True)
class Served:
    """A running engine. Whoever asks has the key, if there is one."""

    url: str
    key: str = ""

    @property
    def engines(self) -> Engines:
        return Engines(self.url, self.key)

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return httpx.get(self.url + path, headers=headers).raise_for_status().json()

    @property
    def says_it_sleeps(self) -> bool:
        return bool(self.get("/is_sleeping")["is_sleeping"])


class SleepContract:
    """Subclass with a fixture `awake`."""

    def test_it_can_sleep_and_does_not_yet(self, awake: Served) -> None:
        awake.engines.require_sleep()
        assert not awake.says_it_sleeps

    def test_it_sleeps_until_it_is_woken_however_often_it_is_told(self, awake: Served) -> None:
        for asleep in (True, True, False, False, True, False):
            awake.engines.put(asleep)
            assert awake.says_it_sleeps == asleep

    def test_it_lists_its_models_while_it_sleeps(self, awake: Served) -> None:
        awake.engines.put(True)
        assert awake.get("/v1/models")["data"]
        awake.engines.put(False)


class NoSleepContract:
    """Subclass with a fixture `sleepless`: an engine that cannot sleep."""

    def test_it_says_that_it_cannot(self, sleepless: Served) -> None:
        with pytest.raises(CannotSleep, match="cannot be put to sleep"):
            sleepless.engines.require_sleep()
        with pytest.raises(CannotSleep):
            sleepless.engines.put(True)

    def test_it_is_awake_already(self, sleepless: Served) -> None:
        sleepless.engines.put(False)
