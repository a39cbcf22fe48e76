"""The ingest step for general instruction data: conversations read, their images looked at and stored once.

What it leaves are `Instruction` rows; the manifest's `extra` is that of any data set, with no class.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.api.datasets.instructions import LAYOUT, Instructions
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.lines import Lines, line
from services.api.ingest.looking import image_key
from shared.artefacts import ArtefactWriter, ManifestRef
from shared.sharding import cut
from shared.types.domain import Domain
from shared.types.records import Instruction
from shared.types.tasks import StepTask
from shared.worker.context import StepContext

_ROWS_A_PART = 4096


@dataclass(frozen=True)
class Seen:
    """The instruction data, and of each image the name that it is stored by; one that cannot be used has none."""

    read: Instructions
    stored: Mapping[str, str]
    lines: Lines


def seen(read: Instructions, images: Iterable[Examined], lines: Lines) -> Seen:
    """Tells `lines` what is wrong with rows and images."""
    for finding in read.findings:
        lines.add(finding)
    stored = {}
    for row in images:
        for code, message in zip(row.findings, row.details, strict=True):
            lines.add(line(code, message, row.source))
        if row.usable:
            stored[row.id] = row.stored_key_name
    return Seen(read, stored, lines)


def leave_instructions(
    context: StepContext, task: StepTask, examined: ArtefactWriter[Examined], part_count: int, found: Seen
) -> ManifestRef:
    """The rows that may be used. `task` is the one that names the parts."""
    writer = ArtefactWriter(context.store, task, Instruction)
    rows = list(_rows(found))
    parts = cut(rows, _ROWS_A_PART) or [[]]
    for number, part in enumerate(parts):
        context.check()
        writer.put(number, part)
    report = found.lines.report(len(found.read.items))
    extra = {
        "layout": LAYOUT,
        "classes": [],
        "class_names": [],
        "domain": Domain().model_dump(mode="json"),
        "splits": {"train": len(rows)} if rows else {},
        "report": report,
        "examined": examined.finish(part_count).key,
    }
    return writer.finish(len(parts), extra=extra)


def _rows(found: Seen) -> Iterator[Instruction]:
    """A conversation about an image that cannot be used is left out."""
    for each in found.read.conversations:
        if each.image is None or each.image in found.stored:
            yield Instruction(
                id=each.id,
                image_key=image_key(found.stored[each.image]) if each.image else None,
                question=each.question,
                answer=each.answer,
            )
