"""What the ingest step leaves once the data set is judged: the examples that may be used, the concept bank, the sheet.

The manifest's `extra` tells the rest: layout, classes, aliases, domain, splits, report, and keys of the other objects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.datasets.listing import Listing
from services.api.datasets.sheet import Choice, ClassRow, pages, thumbnail
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.judge import Verdict
from services.api.ingest.looking import image_key
from shared.artefacts import ArtefactWriter, ManifestRef
from shared.types.concepts import BankSource, SourceKind, bank_of
from shared.types.records import Example
from shared.types.tasks import StepTask
from shared.worker.context import StepContext
from shared.worker.watching import now


@dataclass(frozen=True)
class Judged:
    """A data set that was looked at. `choice` holds the images that its sheet shows."""

    listing: Listing
    verdict: Verdict
    choice: Choice

    def splits(self, label: str | None = None) -> dict[str, int]:
        """Usable images by split, of all labels or of one."""
        splits: dict[str, int] = {}
        for (of_label, split), count in self.verdict.counts.items():
            if label in (None, of_label):
                splits[split] = splits.get(split, 0) + count
        return {split: splits[split] for split in ("train", "validation", "test") if splits.get(split)}


def leave(
    context: StepContext, task: StepTask, examined: ArtefactWriter[Examined], part_count: int, judged: Judged
) -> ManifestRef:
    """The examples stand in the parts in which they were looked at. `task` is the one that names the parts."""
    writer = ArtefactWriter(context.store, task, Example)
    for number, rows in enumerate(examined.read_parts()):
        context.check()
        writer.put(number, [_example(row) for row in rows if row.id not in judged.verdict.left_out])
    extra = {
        **_told(judged),
        "concept_bank": _write_bank(context, judged.listing.concepts),
        "sheet": list(_write_sheet(context, judged)),
        "examined": examined.finish(part_count).key,
    }
    return writer.finish(part_count, extra=extra)


def _told(judged: Judged) -> dict[str, Any]:
    listing = judged.listing
    return {
        "layout": listing.layout,
        "classes": list(listing.labels),
        "class_names": [name.model_dump(mode="json") for name in listing.classes],
        "aliases": {name.label: list(name.aliases) for name in listing.classes if name.aliases},
        "domain": listing.domain.model_dump(mode="json"),
        "splits": judged.splits(),
        "report": judged.verdict.report,
    }


def _example(row: Examined) -> Example:
    return Example(
        id=row.id,
        image_key=image_key(row.stored_key_name),
        label=row.label,
        split=row.split,
        width=row.width,
        height=row.height,
        sha256=row.sha256,
        source=row.source,
        group=row.group,
    )


def _write_bank(context: StepContext, concepts: Mapping[str, tuple[str, ...]] | None) -> str | None:
    if concepts is None:
        return None
    key = f"{context.task.output_prefix}/concepts-v1.json"
    kind: SourceKind = "file" if context.task.params.get("concepts") is None else "request"
    source = BankSource(id=context.task.job_id, kind=kind, made_at=now())
    context.store.put(key, bank_of(concepts, source).model_dump_json(indent=1).encode())
    return key


def _write_sheet(context: StepContext, judged: Judged) -> Iterator[str]:
    """Keys of the pages of sample images."""
    title = f"{judged.listing.layout}: {sum(judged.splits().values())} images"
    drawn = pages(title, _class_rows(context, judged), len(judged.listing.classes))
    for number, page in enumerate(drawn, 1):
        key = f"{context.task.output_prefix}/sheet-a{context.task.attempt}/{number:04d}.jpg"
        context.store.put(key, page)
        yield key


def _class_rows(context: StepContext, judged: Judged) -> Iterator[ClassRow]:
    for label in judged.listing.labels:
        context.check()
        shown = judged.choice.shown(label, judged.verdict.left_out)
        smalls = [thumbnail(context.store.get(image_key(row.stored_key_name))) for row in shown]
        yield ClassRow(label, judged.splits(label), smalls)
