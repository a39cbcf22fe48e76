"""How much memory the machine's GPUs have free, without a look through torch: that would take seconds and memory."""

import contextlib
import os
import shutil
import subprocess

_PATIENCE_S = 1.5
_QUERY = ("--query-gpu=index,memory.free,memory.total", "--format=csv,noheader,nounits")


def free_memory() -> str | None:
    """In words; None where there is no GPU, or its tool does not answer at once."""
    tool = shutil.which("nvidia-smi")
    with contextlib.suppress(subprocess.SubprocessError, OSError, ValueError):
        return _in_words(_asked(tool)) if tool else None
    return None


def _asked(tool: str) -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    which = [f"--id={visible}"] if visible else []
    answer = subprocess.run([tool, *_QUERY, *which], capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    return answer.stdout


def _in_words(table: str) -> str | None:
    """Of lines such as `0, 80995, 81559`, in MiB."""
    rows = [[int(cell) for cell in line.split(",")] for line in table.splitlines()]
    said = [f"{free / 1024:.1f} of {total / 1024:.1f} GiB on GPU {index}" for index, free, total in rows]
    return " and ".join(said) or None
