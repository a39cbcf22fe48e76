"""A killed server takes its children with it."""

import ctypes
import multiprocessing
import subprocess
import sys
import time

import psutil

from services.generator.serving.plugin import tie

_PR_GET_PDEATHSIG = 2
_PARENT = "from tests.services.generator.serving import test_plugin; test_plugin.parent()"


def child(joined: "multiprocessing.synchronize.Event") -> None:
    tie()
    joined.set()
    time.sleep(60)


def parent() -> None:
    """Runs in a process of its own: prints its child's pid once that has joined, and waits to be killed."""
    joined = multiprocessing.get_context("spawn").Event()
    process = multiprocessing.get_context("spawn").Process(target=child, args=(joined,))
    process.start()
    joined.wait()
    print(process.pid, flush=True)
    process.join()


def test_a_child_of_a_killed_server_ends_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        below = psutil.Process(int(server.stdout.readline()))
        assert below.is_running()
        server.kill()
        gone, _ = psutil.wait_procs([below], timeout=10)
    assert gone or below.status() == psutil.STATUS_ZOMBIE


def test_a_process_that_vllm_did_not_start_is_left_alone() -> None:
    """In this process `tie` must do nothing: a test run would die with whoever began it."""
    tie()
    chosen = ctypes.c_int()
    ctypes.CDLL(None).prctl(_PR_GET_PDEATHSIG, ctypes.byref(chosen))
    assert chosen.value == 0
