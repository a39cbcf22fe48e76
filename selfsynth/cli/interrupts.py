"""Ctrl-C, SIGTERM and a closed terminal as one exception, so that every `with` on the way is left properly."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Not an Exception: nothing on the way may swallow it."""

    def __init__(self, signal_: int) -> None:
        super().__init__(signal_)
        self.signal = signal_


def _raise(number: int, frame: FrameType | None) -> None:
    # Once is enough: what stops now must not be cut short by an impatient second one.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Within it the first of these signals raises Interrupted and later ones are ignored.

    A signal that was ignored before stays so: `nohup` means it.
    """
    heard = [each for each in _SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
    before = {each: signal.signal(each, _raise) for each in heard}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
