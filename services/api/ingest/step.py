"""The ingest step: lists a data set, looks at every image, judges the whole, and leaves the examples that may be used.

Knows no database. What it leaves: `Examined` parts below `examined/`, then the `Example` artefact whose manifest's
`extra` tells the rest (layout, classes, domain, report, concept bank).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from services.api.datasets import banks
from services.api.datasets.layouts import read_listing
from services.api.datasets.listing import Item, Listing
from services.api.datasets.request import IngestRequest
from services.api.datasets.splits import with_splits
from services.api.datasets.validation.examine import ImageRules
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.judge import Verdict, judge
from services.api.ingest.looking import Look, image_key, listing_hash, look_at_all
from services.api.ingest.place import Place, placed
from shared.artefacts import ArtefactWriter, ManifestRef
from shared.errors import InvalidInput
from shared.sharding import cut
from shared.types.concepts import ConceptBank
from shared.types.records import Example, Split
from shared.types.tasks import StepTask
from shared.worker.context import StepContext

_PER_PART = 512


@dataclass(frozen=True)
class Rules:
    """What the operator chose: folders that may be read, bytes that may be unpacked, worker processes, pictures."""

    roots: tuple[Path, ...]
    limit_bytes: int
    processes: int
    images: ImageRules = field(default=ImageRules())


def ingest(context: StepContext, rules: Rules) -> ManifestRef:
    """A data set with errors is a well-ended step too: its report says what is wrong. Raises InvalidInput when there is
    nothing to report on (no known layout, an unreadable file)."""
    request = IngestRequest.model_validate(context.task.params)
    with placed(context.store, request.source, rules.roots, rules.limit_bytes, context.check) as place:
        listing = _with_wishes(_read(place, request), request)
        items = with_splits(listing.items, request.seed, request.validation_share, request.test_share)
        task = _pinned(context.task, items, rules.images)
        examined = ArtefactWriter(context.store, _below(task, "examined"), Examined)
        parts = cut(items, _PER_PART)
        look_at_all(context, examined, parts, Look(context.store, place.roots, rules.images), rules.processes)
    verdict = judge(listing, examined.read(), request.policy)
    return _leave(context, task, listing, examined, verdict, len(parts))


def _read(place: Place, request: IngestRequest) -> Listing:
    """A temporary folder's name says nothing to a user."""
    try:
        return read_listing(place.path, request.layout, request.options)
    except InvalidInput as error:
        message = error.message if request.source.path else error.message.replace(str(place.path), "what was sent")
        raise InvalidInput(message, remedy=error.remedy, code=error.code) from error


def _with_wishes(listing: Listing, request: IngestRequest) -> Listing:
    """The listing with what the request says instead of it."""
    concepts = listing.concepts
    if request.concepts is not None:
        concepts = banks.matched(request.concepts, listing.classes)
    return replace(listing, concepts=concepts, domain=request.domain(listing.domain))


def _pinned(task: StepTask, items: Sequence[Item], images: ImageRules) -> StepTask:
    """The task whose fingerprint also tells what was found and how pictures are stored: files may change between two
    attempts, and parts of both must not be mixed."""
    depends_on = {"listing": listing_hash(items), "images": images.model_dump()}
    return task.model_copy(update={"params": {**task.params, "depends_on": depends_on}})


def _below(task: StepTask, folder: str) -> StepTask:
    return task.model_copy(update={"output_prefix": f"{task.output_prefix}/{folder}"})


def _leave(
    context: StepContext,
    task: StepTask,
    listing: Listing,
    examined: ArtefactWriter[Examined],
    verdict: Verdict,
    part_count: int,
) -> ManifestRef:
    """The artefact of the examples that may be used, in the parts in which they were looked at."""
    writer = ArtefactWriter(context.store, task, Example)
    splits: Counter[Split] = Counter()
    for number, rows in enumerate(examined.read_parts()):
        context.check()
        examples = [_example(row) for row in rows if row.id not in verdict.left_out]
        splits.update(example.split for example in examples)
        writer.put(number, examples)
    extra = {
        "layout": listing.layout,
        "classes": list(listing.labels),
        "class_names": [name.model_dump(mode="json") for name in listing.classes],
        "aliases": {name.label: list(name.aliases) for name in listing.classes if name.aliases},
        "domain": listing.domain.model_dump(mode="json"),
        "splits": {split: splits[split] for split in get_args(Split) if splits[split]},
        "report": verdict.report,
        "concept_bank": _write_bank(context, listing.concepts),
        "examined": examined.finish(part_count).key,
    }
    return writer.finish(part_count, extra=extra)


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
    key = bank_key(context.task.output_prefix, 1)
    context.store.put(key, ConceptBank(version=1, concepts=dict(concepts)).model_dump_json(indent=1).encode())
    return key


def bank_key(prefix: str, version: int) -> str:
    return f"{prefix}/concepts-v{version}.json"
