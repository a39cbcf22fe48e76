"""Fixtures that tests of several services use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.missing import missing
from tests.otlp import Collector
from tests.vllm_server import PYTHON, Vllm, running_vllm

_ROOT = Path(__file__).parent.parent


def pytest_configure() -> None:
    """A shell that runs the tests in the background has them ignore these signals, and so would every process that a
    test starts and then interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # As in the services, whose records never stand on standard output: there a command's own words are looked for.
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real images. Absent: skipped; absent where CI=true: a failure."""
    folder = (_ROOT / os.environ.get("SELFSYNTH_TEST_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        missing(f"no real images at {folder}; set SELFSYNTH_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def vllm_spans() -> Iterator[Collector]:
    """What the fixture `vllm` tells of its requests."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory, vllm_spans: Collector) -> Iterator[Vllm]:
    """Real vLLM with the demo's base model, started once a run, and anew by the test that kills it. Not installed: as
    for the real images."""
    if not PYTHON.exists():
        missing("vLLM is not installed; run tools/install_vllm.sh")
    # A cache that holds three of the tests' adapters, two of them in memory and one on the device.
    limits = {
        "max_lora_rank": 8,
        "max_adapters": 2,
        "adapter_slots": 1,
        "adapter_idle_s": 0.5,
        "max_images": 2,
        "max_pixels": 1_000_000,
        "otlp": f"{vllm_spans.url}/v1/traces",
    }
    folder = tmp_path_factory.mktemp("vllm")
    with running_vllm(folder, adapter_cache=folder / "cache", adapter_cache_bytes=600_000, **limits) as server:
        yield server
