"""Alive or not by progress: from figures, and with a real engine that is stopped (SIGSTOP) while it works."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from services.generator.liveness import Progress, Reading, read, reading_of
from tests.models import tiny_llava
from tests.ports import free_port
from tests.services.generator.engine.serving import ask, asking, picture

IDLE, WAITING = Reading(0, 5), Reading(3, 5)


def fault_after(*readings: Reading | None, every_s: float = 10, deadline_s: float = 30) -> str | None:
    progress = Progress(0, deadline_s)
    for number, reading in enumerate(readings):
        progress.see(reading, (number + 1) * every_s)
    return progress.fault


def test_no_token_while_requests_are_open_is_not_alive_at_the_deadline() -> None:
    assert fault_after(WAITING, WAITING) is None
    assert "computed nothing for 30 s while requests were open" in str(fault_after(WAITING, WAITING, WAITING))


def test_an_engine_that_nobody_asks_is_alive_for_ever() -> None:
    assert fault_after(*[IDLE] * 100) is None


def test_any_token_starts_the_deadline_anew_and_a_restart_is_progress() -> None:
    assert fault_after(WAITING, WAITING, Reading(3, 6), Reading(3, 6), Reading(3, 6)) is None
    assert fault_after(WAITING, WAITING, Reading(3, 0), Reading(3, 0)) is None


def test_an_engine_that_sleeps_is_alive_whoever_waits_for_it() -> None:
    asleep = Reading(3, 5, is_asleep=True)
    assert fault_after(*[asleep] * 100) is None
    assert fault_after(asleep, WAITING, WAITING) is None
    assert fault_after(asleep, WAITING, WAITING, WAITING) is not None


def test_an_engine_that_tells_nothing_is_not_alive_at_the_deadline() -> None:
    assert "tells no figures" in str(fault_after(None, None, None))
    assert fault_after(IDLE, IDLE, None, None) is None
    assert fault_after(IDLE, None, None, None) is not None


def test_a_watcher_that_was_stopped_itself_blames_nobody() -> None:
    assert fault_after(WAITING, WAITING, every_s=3600, deadline_s=100) is None


def test_figures_of_both_engines_are_read() -> None:
    ours = "selfsynth_engine_open_requests 2.0\n# TYPE a counter\nselfsynth_engine_forward_passes_total 7.0\n"
    assert reading_of(ours) == Reading(2, 7)
    theirs = 'vllm:num_requests_waiting{engine="0"} 1.0\nvllm:num_requests_waiting{engine="1"} 2.0\n'
    theirs += 'vllm:generation_tokens_total{engine="0"} 4.0\nvllm:prompt_tokens_total{engine="0"} 8.0\n'
    assert reading_of(theirs) == Reading(3, 12)
    assert reading_of("python_info 1.0\n") is None


@pytest.mark.parametrize(("awake", "is_asleep"), [(0, True), (1, False)])
def test_both_engines_tell_that_they_sleep(awake: int, is_asleep: bool) -> None:
    ours = f"selfsynth_engine_asleep {1 - awake}\nselfsynth_engine_forward_passes_total 7.0\n"
    assert reading_of(ours) == Reading(0, 7, is_asleep)
    theirs = f'vllm:engine_sleep_state{{sleep_state="awake"}} {awake}\nvllm:generation_tokens_total 4.0\n'
    theirs += f'vllm:engine_sleep_state{{sleep_state="weights_offloaded"}} {1 - awake}\n'
    assert reading_of(theirs) == Reading(0, 4, is_asleep)


def probe(url: str, deadline_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.generator.liveness", "--url", url, "--deadline-s", str(deadline_s)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Our own engine as a process, asked for answers that take minutes."""
    folder, port = tmp_path_factory.mktemp("engine"), free_port()
    settings = {"MODEL": str(tiny_llava(folder / "model")), "NAME": "base", "PORT": str(port), "THREADS": "1"}
    env = {f"SELFSYNTH_ENGINE_{key}": value for key, value in settings.items()}
    command = [sys.executable, "-m", "services.generator.engine"]
    process = subprocess.Popen(command, env=os.environ | env | {"SELFSYNTH_STORE_URL": f"file://{folder}"})
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(1) as pool:
        while read(client, url) is None:
            assert process.poll() is None
            time.sleep(0.1)
        pool.submit(ask, client, asking(picture(0), max_tokens=450, n=64))
        while not (seen := read(client, url)) or not seen.open_requests:
            time.sleep(0.05)
        yield url, process
        process.kill()
        process.wait()


def test_a_stopped_engine_is_not_alive_until_it_goes_on(engine: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    url, process = engine
    working = probe(url, 20)
    assert (working.returncode, working.stderr) == (0, "")
    process.send_signal(signal.SIGSTOP)
    stopped = probe(url, 2)
    assert stopped.returncode == 1
    assert "tells no figures at /metrics" in stopped.stderr
    process.send_signal(signal.SIGCONT)
    assert probe(url, 20).returncode == 0


def test_where_nothing_listens_nothing_is_alive(tmp_path: Path) -> None:
    assert probe(f"http://127.0.0.1:{free_port()}", 0.5).returncode == 1
