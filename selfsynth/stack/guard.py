"""Runs one command and sees that nothing of it outlives the process that asked for it.

Run as a script, by path, with the standard library alone, so that it starts at once:
`guard.py LIFE REPORT STOP_SIGNAL COMMAND...`. LIFE is the read end of a pipe whose other end the supervisor holds: when
that closes, however the supervisor died, everything below the guard is killed. REPORT receives the command's pid.
SIGTERM to the guard is passed on as STOP_SIGNAL. Knows nothing of what it runs.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(argv: list[str]) -> int:
    """Run the command until it ends or the supervisor does; the exit status is the command's (128 + n for signal n)."""
    life, report, stop = (int(text) for text in argv[:3])
    _adopt_orphans()
    woken = _woken_by_signals()
    try:
        child = subprocess.Popen(argv[3:], preexec_fn=_die_with_parent)
    except OSError as error:
        sys.stderr.write(f"{argv[3]} cannot be started: {error}\n")
        return 127
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(stop))
    os.write(report, b"%d\n" % child.pid)
    os.close(report)
    while child.poll() is None:
        ready, _, _ = select.select([life, woken], [], [])
        if life in ready:
            child.kill()
            child.wait()
        else:
            os.read(woken, 4096)
    _kill_what_is_left()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _woken_by_signals() -> int:
    """A descriptor that becomes readable at SIGCHLD and SIGTERM, so that one select waits for everything."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _adopt_orphans() -> None:
    """Make this process the parent of every orphan below it (Linux), so that none can slip away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_what_is_left() -> None:
    """Kill the command's descendants. They become ours one generation after the other, hence the loop."""
    while children := _children():
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as listing:
            return [int(pid) for pid in listing.read().split()]
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
