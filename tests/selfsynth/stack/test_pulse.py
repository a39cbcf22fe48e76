"""A program that runs but computes nothing is started anew, with the reason in its log."""

import sys
import time
from pathlib import Path

from selfsynth.stack.processes import Process, Program
from selfsynth.stack.pulse import Pulse
from tests.ports import free_port

_ENGINE = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        figures = {"open_requests": sys.argv[2], "forward_passes_total": 5}
        self.wfile.write("".join(f"selfsynth_engine_{name} {value}\\n" for name, value in figures.items()).encode())
    def log_message(self, *args): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def watched(folder: Path, open_requests: int, watch_s: float) -> tuple[int, str]:
    """How often an engine that never computes was restarted, and its log."""
    port, log = free_port(), folder / "engine.log"
    process = Process(Program("engine", (sys.executable, "-c", _ENGINE, str(port), str(open_requests)), log))
    pulse = Pulse(process, f"http://127.0.0.1:{port}", deadline_s=0.8)
    process.start()
    pulse.start()
    try:
        until = time.monotonic() + watch_s
        while time.monotonic() < until and not (pulse.restarts and process.exits and process.is_running):
            time.sleep(0.05)
        assert process.is_running
        return pulse.restarts, log.read_text()
    finally:
        pulse.stop()
        process.stop()


def test_an_engine_that_computes_nothing_while_requests_are_open_is_restarted(tmp_path: Path) -> None:
    restarts, log = watched(tmp_path, open_requests=2, watch_s=30)
    assert restarts == 1
    assert "restarted by the stack: the engine computed nothing" in log


def test_an_engine_that_nobody_asks_is_left_alone(tmp_path: Path) -> None:
    assert watched(tmp_path, open_requests=0, watch_s=3) == (0, "")
