"""Fixtures that tests of several services use."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real images. Absent: skipped; absent where CI=true: a failure."""
    folder = (_ROOT / os.environ.get("SELFSYNTH_TEST_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        message = f"no real images at {folder}; set SELFSYNTH_TEST_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder
