"""All replicas to sleep or awake: by the contract with fake engines, and when some of them fail."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from services.api.sleeping.engines import CannotSleep, Engines
from shared.errors import EngineUnavailable
from tests.ports import free_port
from tests.services.api.engine import FakeEngine
from tests.services.api.sleeping.contract import NoSleepContract, Served, SleepContract


@pytest.fixture
def replicas() -> Iterator[list[FakeEngine]]:
    with ExitStack() as stack:
        yield [stack.enter_context(FakeEngine()) for _ in range(3)]


def of(*replicas: FakeEngine) -> Engines:
    return Engines(",".join(each.url for each in replicas), "")


class TestFakeEngine(SleepContract, NoSleepContract):
    """The fake engine keeps the contract."""

    @pytest.fixture
    def awake(self, replicas: list[FakeEngine]) -> Served:
        return Served(replicas[0].url)

    @pytest.fixture
    def sleepless(self, replicas: list[FakeEngine]) -> Served:
        replicas[0].can_sleep = False
        return Served(replicas[0].url)


def test_all_replicas_sleep_and_only_those_that_do_not_are_told(replicas: list[FakeEngine]) -> None:
    replicas[1].is_asleep = True
    of(*replicas).put(True)
    assert [each.is_asleep for each in replicas] == [True] * 3
    assert [each.changes for each in replicas] == [["/sleep"], [], ["/sleep"]]


def test_one_replica_that_cannot_sleep_is_one_too_many(replicas: list[FakeEngine]) -> None:
    replicas[2].can_sleep = False
    with pytest.raises(CannotSleep, match=replicas[2].url) as raised:
        of(*replicas).require_sleep()
    assert "SELFSYNTH_ENGINE_SLEEP" in raised.value.remedy


def test_a_replica_that_fails_is_named_and_the_others_are_put_to_sleep(replicas: list[FakeEngine]) -> None:
    replicas[0].fault = 500
    with pytest.raises(EngineUnavailable, match=f"{replicas[0].url} .* ordered"):
        of(*replicas).put(True)
    assert [each.is_asleep for each in replicas] == [False, True, True]


def test_one_that_is_not_there_is_away(replicas: list[FakeEngine]) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(EngineUnavailable, match=gone):
        Engines(f"{gone},{replicas[0].url}", "").put(False)


def test_a_name_for_several_addresses_is_looked_up(replicas: list[FakeEngine]) -> None:
    Engines(f"dns+{replicas[0].url}", "").put(True)
    assert replicas[0].is_asleep
    with pytest.raises(EngineUnavailable, match="does not resolve"):
        Engines("dns+http://no-such-host.invalid:1", "").put(True)
