"""Signals as one exception."""

import os
import signal

import pytest

from selfsynth.cli.interrupts import Interrupted, interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_the_second_does_not_disturb_the_way_out(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    way_out: list[str] = []
    with pytest.raises(Interrupted) as caught:
        _interrupt_twice(number, way_out)
    assert caught.value.signal == number
    assert way_out
    assert signal.getsignal(number) == before


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def _interrupt_twice(number: signal.Signals, way_out: list[str]) -> None:
    with interruptible():
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            way_out.append("walked to its end")
