"""Real vLLM on this machine's CPU, started by our own launcher from .venv-vllm, with a store of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.ports import free_port

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
DEMO_BASE = ROOT / "selfsynth" / "demo" / "base" / "checkpoint"
KEY = "hush"
# Alone on two cores it takes 60 to 90 s. Where the machine is busy with other things too, this allows more.
START_S = float(os.environ.get("SELFSYNTH_TEST_VLLM_START_S", "180"))
_END_S = 30


@dataclass
class Vllm:
    """A server. `model` is served as `base`; adapters come from `store` (a folder)."""

    url: str
    model: Path
    store: Path
    log: Path
    environment: dict[str, str]
    start_s: float
    process: "subprocess.Popen[bytes]" = field(init=False)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120, headers={"Authorization": f"Bearer {KEY}"})

    def tree(self) -> list[psutil.Process]:
        """The launcher and everything below it."""
        launcher = psutil.Process(self.process.pid)
        return [launcher, *launcher.children(recursive=True)]

    def core(self) -> psutil.Process:
        """The process that computes."""
        [core] = [process for process in self.tree() if "EngineCore" in process.name()]
        return core

    def start(self) -> None:
        """At its address; returns when it answers."""
        with self.log.open("ab") as sink:
            command = [str(PYTHON), "-m", "services.generator.serving"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=sink, stderr=sink, cwd=ROOT)
        _await(self)

    def kill(self) -> None:
        """All of it at once, as the system does that runs out of memory."""
        tree = self.tree()
        for process in tree:
            process.kill()
        self.process.wait()
        psutil.wait_procs(tree, timeout=_END_S)


@contextmanager
def running_vllm(folder: Path, model: Path = DEMO_BASE, start_s: float = START_S, **settings: Any) -> Iterator[Vllm]:
    """Asserts that it starts within `start_s` seconds, and on leaving that SIGTERM ends it well, with all of its
    processes."""
    port, store = free_port(), folder / "store"
    store.mkdir()
    chosen = {"model": model, "name": "base", "port": port, "key": KEY, "threads": 1, "dtype": "float32", **settings}
    env = {f"SELFSYNTH_ENGINE_{name.upper()}": str(value) for name, value in chosen.items()}
    env |= {"SELFSYNTH_STORE_URL": f"file://{store}", "TMPDIR": str(folder)}
    server = Vllm(f"http://127.0.0.1:{port}", model, store, folder / "vllm.log", os.environ | env, start_s)
    try:
        server.start()
        yield server
        _end(server)
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def _await(server: Vllm) -> None:
    deadline = time.monotonic() + server.start_s
    with server.client() as http:
        while not _answers(http):
            assert server.process.poll() is None, f"vLLM ended:\n{server.log.read_text()[-4000:]}"
            late = f"vLLM did not start within {server.start_s:.0f} s (SELFSYNTH_TEST_VLLM_START_S)"
            assert time.monotonic() < deadline, f"{late}:\n{server.log.read_text()[-4000:]}"
            time.sleep(0.5)


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/v1/models").status_code == 200
    except httpx.TransportError:
        return False


def _end(server: Vllm) -> None:
    tree = server.tree()
    assert len(tree) > 2, "vLLM had no engine of its own"
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(_END_S) in (0, -signal.SIGTERM)
    _, alive = psutil.wait_procs([process for process in tree if process.is_running()], timeout=_END_S)
    left = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert not left, f"SIGTERM left {left}"
