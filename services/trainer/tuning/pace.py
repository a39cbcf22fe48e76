"""Measures how fast training goes and what it takes. Knows clocks and the device's memory, nothing of losses."""

import time
from collections import deque
from dataclasses import dataclass

import torch

from services.trainer.notes import Pace

_RECENT_STEPS = 20


@dataclass(frozen=True)
class Done:
    """What an optimiser step was made of, all processes together."""

    tokens: int = 0
    pairs: int = 0
    flops: float = 0.0


class Stopwatch:
    """Runs from its making. `processes` are alike: what this one takes counts as often. `peak_flops` is what the device
    of one could do in a second; None: not known."""

    def __init__(self, processes: int, peak_flops: float | None = None) -> None:
        self._processes = processes
        self._peak_flops = peak_flops
        self._began = time.monotonic()
        # When each of the last steps ended.
        self._ends: deque[tuple[float, Done]] = deque(maxlen=_RECENT_STEPS + 1)
        self._ends.append((self._began, Done()))

    def step_done(self, done: Done) -> None:
        self._ends.append((time.monotonic(), done))

    def start_steps(self) -> None:
        """The first step begins now; what came before was loading."""
        self._ends.clear()
        self._ends.append((time.monotonic(), Done()))

    def pace(self, steps_left: int) -> Pace:
        """As the last steps went."""
        on_gpu = torch.cuda.is_available()
        steps = len(self._ends) - 1
        seconds = max(self._ends[-1][0] - self._ends[0][0], 1e-9)
        recent = [done for _, done in list(self._ends)[1:]]
        flops_per_s = sum(done.flops for done in recent) / seconds
        return Pace(
            tokens_per_s=sum(done.tokens for done in recent) / seconds,
            pairs_per_s=sum(done.pairs for done in recent) / seconds,
            mfu=flops_per_s / (self._peak_flops * self._processes) if self._peak_flops else 0.0,
            eta_s=steps_left * seconds / max(steps, 1),
            gpu_memory_bytes=torch.cuda.max_memory_reserved() if on_gpu else 0,
            gpu_seconds=self._processes * self.seconds if on_gpu else 0.0,
            cpu_seconds=self._processes * time.process_time(),
        )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
