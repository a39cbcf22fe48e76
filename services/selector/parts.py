"""Runs a step part by part: skips what is there, may be stopped between parts. Knows nothing of what a row means."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.artefacts import ArtefactWriter
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
    done = 0
    for number, part in enumerate(parts):
        if number not in writer.done:
            context.check()
            writer.put(number, rows_of(part))
        done += len(part)
        context.progress(done, total, {})
