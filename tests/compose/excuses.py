"""What may keep a machine from running the images without anyone's fault. All else that goes wrong is a failure."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from tests.compose.commands import TooSlow
from tests.compose.docker_engine import NoEngine


@contextmanager
def excused(leave_out: Callable[[str], NoReturn]) -> Iterator[None]:
    """Around what installs and builds: `leave_out` gets the reason where no engine can run, or time runs out."""
    try:
        yield
    except NoEngine as reason:
        leave_out(str(reason))
    except TooSlow as reason:
        leave_out(f"{reason}; what is built is kept for the next time")
