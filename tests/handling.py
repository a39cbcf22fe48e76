"""Which signals another process handles itself, as Linux tells."""

import re
import signal
from pathlib import Path


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for it by now."""
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)
