"""Tells figures to the exporter, from whatever process of the worker. Until a channel is opened nothing is told.

A pipe: a line of it is written whole or not at all, by any number of processes, and what a killed one told before
stays counted. Telling never blocks work: where the exporter is too slow to read, a line is lost.
"""

import json
import os
from contextlib import suppress

from shared.observing.figures import Figure

# Writes up to this size are atomic on every POSIX system.
_LONGEST = 512
_channel: int | None = None


def open_channel(descriptor: int) -> None:
    """Tell the reader at the other end of this pipe from now on, in children forked later too."""
    global _channel
    os.set_blocking(descriptor, False)
    _channel = descriptor


def close_channel() -> None:
    global _channel
    if _channel is not None:
        os.close(_channel)
    _channel = None


def tell(figure: Figure, amount: float = 1.0, **labels: str) -> None:
    """Raise a counter by `amount`, or let a histogram observe it. `labels` must be the figure's own."""
    if tuple(labels) != figure.labels:
        raise ValueError(f"{figure.name} has the labels {figure.labels}, not {tuple(labels)}")
    if _channel is None:
        return
    line = json.dumps([figure.name, amount, *labels.values()]).encode() + b"\n"
    if len(line) <= _LONGEST:
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(_channel, line)
