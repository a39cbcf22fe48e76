"""Runs a step part by part: skips what is there, may be stopped between parts. Knows nothing of what a row means."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from shared.artefacts import ArtefactWriter
from shared.observing import tally
from shared.observing.figures import SELECTED
from shared.types.records import Example, Record
from shared.worker.context import StepContext

R = TypeVar("R", bound=Record)


def missing(writer: ArtefactWriter[R], parts: Sequence[Sequence[Example]]) -> list[Example]:
    """The examples of the parts that no attempt has completed."""
    return [example for number, part in enumerate(parts) if number not in writer.done for example in part]


def write_missing(
    context: StepContext,
    writer: ArtefactWriter[R],
    parts: Sequence[Sequence[Example]],
    rows_of: Callable[[Sequence[Example]], Sequence[R]],
) -> None:
    """Store `rows_of` every part that is missing. Raises what `context.check` raises; whole parts stay."""
    total = sum(map(len, parts))
    done, pairs, began = 0, 0, time.monotonic()
    for number, part in enumerate(parts):
        if number not in writer.done:
            context.check()
            rows = rows_of(part)
            writer.put(number, rows)
            pairs += len(rows)
            tally.tell(SELECTED, len(rows), step=context.task.step.value)
        done += len(part)
        context.progress(
            done, total, {"pairs_per_s": round(pairs / max(time.monotonic() - began, 1e-3), 1), **_gpu_memory()}
        )


def _gpu_memory() -> dict[str, float]:
    return {"gpu_memory_bytes": float(torch.cuda.max_memory_reserved())} if torch.cuda.is_available() else {}
