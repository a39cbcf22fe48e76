"""What this process tells an exporter, as a fixture: the lines so far."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from shared.observing import tally

Told = Callable[[], Counter[tuple[str, ...]]]


@pytest.fixture
def told() -> Iterator[Told]:
    """Amounts by name and labels, added up."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    tally.open_channel(writing)
    sums: Counter[tuple[str, ...]] = Counter()

    def so_far() -> Counter[tuple[str, ...]]:
        with suppress(BlockingIOError):  # nothing new
            for line in os.read(reading, 1 << 20).splitlines():
                name, amount, *labels = json.loads(line)
                sums[name, *labels] += amount
        return sums

    yield so_far
    tally.close_channel()
    os.close(reading)
