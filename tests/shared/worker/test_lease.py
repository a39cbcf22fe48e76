import threading
import time

import httpx
import pytest

from shared.errors import StepStopped
from shared.worker.lease import Lease


def wait_for(event: threading.Event) -> None:
    assert event.wait(10)


def test_a_lease_that_is_renewed_never_stops_the_step() -> None:
    beats: list[float] = []
    with Lease(lambda: beats.append(time.monotonic()), 0.15, kill=lambda: pytest.fail("killed")) as lease:
        while len(beats) < 8:
            time.sleep(0.01)
        lease.check()


def test_a_refused_renewal_stops_the_step() -> None:
    refused = threading.Event()

    def renew() -> None:
        refused.set()
        raise StepStopped("attempt 1 is stale")

    with Lease(renew, 0.15, kill=lambda: None) as lease:
        wait_for(refused)
        time.sleep(0.05)
        with pytest.raises(StepStopped, match="stale"):
            lease.check()


def test_a_lease_that_cannot_be_renewed_for_its_time_is_lost() -> None:
    def renew() -> None:
        raise httpx.ConnectError("nobody there")

    with Lease(renew, 0.2, kill=lambda: None) as lease:
        lease.check()
        time.sleep(0.6)
        with pytest.raises(StepStopped, match="could not be renewed"):
            lease.check()


def test_a_renewal_that_hangs_does_not_prolong_the_lease() -> None:
    asked, answered = threading.Event(), threading.Event()

    def renew() -> None:
        asked.set()
        assert answered.wait(10)

    with Lease(renew, 0.2, kill=lambda: None) as lease:
        wait_for(asked)
        time.sleep(0.5)
        with pytest.raises(StepStopped, match="could not be renewed"):
            lease.check()
        answered.set()


def test_a_step_that_never_checks_is_killed_after_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.worker.lease._GRACE_S", 0.05)
    killed = threading.Event()

    def renew() -> None:
        raise StepStopped("cancelled")

    with Lease(renew, 0.1, kill=killed.set):
        wait_for(killed)
