"""Measures how fast training goes and what it takes. Knows clocks and the device's memory, nothing of losses."""

import time
from collections import deque

import torch

from services.trainer.notes import Pace

_RECENT_STEPS = 20


class Stopwatch:
    """Runs from its making. `processes` are alike: what this one takes counts as often."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._began = time.monotonic()
        # When each of the last steps ended, and its tokens.
        self._ends: deque[tuple[float, int]] = deque(maxlen=_RECENT_STEPS + 1)
        self._ends.append((self._began, 0))

    def step_done(self, tokens: int) -> None:
        self._ends.append((time.monotonic(), tokens))

    def start_steps(self) -> None:
        """The first step begins now; what came before was loading."""
        self._ends.clear()
        self._ends.append((time.monotonic(), 0))

    def pace(self, steps_left: int) -> Pace:
        """As the last steps went."""
        on_gpu = torch.cuda.is_available()
        steps = len(self._ends) - 1
        seconds = max(self._ends[-1][0] - self._ends[0][0], 1e-9)
        tokens = sum(count for _, count in list(self._ends)[1:])
        return Pace(
            tokens_per_s=tokens / seconds,
            eta_s=steps_left * seconds / max(steps, 1),
            gpu_memory_bytes=torch.cuda.max_memory_reserved() if on_gpu else 0,
            gpu_seconds=self._processes * self.seconds if on_gpu else 0.0,
            cpu_seconds=self._processes * time.process_time(),
        )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
