import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.services.generator.engine.serving import ask, asking, picture, texts


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_process_told_to_end_answers_what_was_asked_first(model: Path, tmp_path: Path) -> None:
    port = free_port()
    settings = {"MODEL": str(model), "NAME": "base", "PORT": str(port), "THREADS": "1"}
    env = {f"SELFSYNTH_ENGINE_{key}": value for key, value in settings.items()}
    command = [sys.executable, "-m", "services.generator.engine"]
    process = subprocess.Popen(command, env=os.environ | env | {"SELFSYNTH_STORE_URL": f"file://{tmp_path}"})
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client, ThreadPoolExecutor(1) as pool:
        while not healthy(client):
            assert process.poll() is None
            time.sleep(0.1)
        answer = pool.submit(ask, client, asking(picture(0), max_tokens=200, n=8))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert len(texts(answer.result())) == 8
    assert process.wait(30) in (0, -signal.SIGTERM)
