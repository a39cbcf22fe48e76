"""What the vLLM that is installed computes on, and how a bench has it served there. Knows no model and no prompt."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ASK = """
import json
from vllm.platforms import current_platform as found
told = [found.device_type, found.get_device_name(), found.get_device_total_memory() / 2**30]
print("found:", json.dumps(told))
"""
# Weights of 14 GB, what is computed with, and room for keys and values, twice.
_ROOM_FOR_TWO_GIB = 60.0


@dataclass(frozen=True)
class Machine:
    """`kind` is vLLM's word: cpu or cuda. `start_s`: how long a server may take to start."""

    kind: str
    name: str
    memory_gib: float

    @property
    def is_gpu(self) -> bool:
        return self.kind != "cpu"

    @property
    def in_flight(self) -> int:
        """At each replica."""
        return 192 if self.is_gpu else 64

    @property
    def start_s(self) -> float:
        return 900 if self.is_gpu else 400

    def settings(self, replicas: int = 1) -> dict[str, Any]:
        """SELFSYNTH_ENGINE_*, by their last words."""
        if not self.is_gpu:
            return {"dtype": "float32", "threads": 1}
        return {"dtype": "bfloat16", "threads": 4, "memory_share": 0.9 / replicas}

    @property
    def why_not_two(self) -> str | None:
        """Why two replicas of a model of seven thousand million weights cannot share the device, where they cannot."""
        if not self.is_gpu or self.memory_gib >= _ROOM_FOR_TWO_GIB:
            return None
        return f"two replicas need {_ROOM_FOR_TWO_GIB:.0f} GiB; {self.name} has {self.memory_gib:.0f}"


def find_machine(python: Path) -> Machine:
    """As the interpreter of vLLM's environment sees it."""
    said = subprocess.run([str(python), "-c", _ASK], check=True, stdout=subprocess.PIPE, text=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("found:"))
    return Machine(*json.loads(line.removeprefix("found:")))
