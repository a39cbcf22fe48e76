"""What a test does when something that it needs is not on this machine."""

import os
from typing import NoReturn

import pytest


def missing(message: str) -> NoReturn:
    """Skipped and counted; where CI=true a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
