"""Waits for what another process or thread will do soon."""

import time
from collections.abc import Callable

PATIENCE_S = 240.0  # a machine may be shared with much else


def eventually(look: Callable[[], object]) -> None:
    """Return once `look` is true. Fails when it does not become so."""
    until = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)
