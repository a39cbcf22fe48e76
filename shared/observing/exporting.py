"""Starts a worker's exporter and opens the channel to it. Knows processes, no figures."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import SystemFault
from shared.observing import tally
from shared.observing.exporter import READY, REDIS_URL


@contextmanager
def exporting(port: int, redis_url: str, worker: str = "") -> Iterator[None]:
    """While this is open the worker's `/metrics` and `/healthz` are served on `port`; 0: they are not.

    To be entered before anything is forked. `worker` is its name in the queue; without one health tells only that this
    process lives. Raises SystemFault when the exporter cannot start, as where the port is taken.
    """
    if not port:
        yield
        return
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "shared.observing.exporter", "--port", str(port), "--worker", worker]
    # The address in the environment: it may hold a password, and command lines are seen by all.
    environment = {**os.environ, REDIS_URL: redis_url}
    process = subprocess.Popen(command, stdin=reading, stdout=subprocess.PIPE, env=environment)
    os.close(reading)
    tally.open_channel(writing)
    try:
        _wait_until_ready(process, port)
        yield
    finally:
        tally.close_channel()
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    assert process.stdout is not None
    with process.stdout as said:
        if said.readline().strip() != READY.encode():
            raise SystemFault(
                f"figures cannot be served on port {port}; the lines above say why",
                remedy="Set SELFSYNTH_METRICS_PORT to a free port, or to 0.",
            )
