"""The ingest step: lists a data set, looks at every image, judges the whole, and leaves the examples that may be used.

Knows no database. What was seen stands in `Examined` parts below `examined/`, so that an attempt that starts again
looks only at images of the parts that are missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.api.datasets import banks
from services.api.datasets.instructions import Conversation, read_instructions
from services.api.datasets.layouts import read_listing
from services.api.datasets.listing import Item, Listing
from services.api.datasets.request import IngestRequest
from services.api.datasets.sheet import Choice
from services.api.datasets.splits import with_splits
from services.api.datasets.validation.examine import ImageRules
from services.api.datasets.validation.examined import Examined
from services.api.datasets.validation.judge import judge
from services.api.datasets.validation.lines import Lines
from services.api.datasets.validation.unlisted import of_unlisted
from services.api.ingest.conversations import leave_instructions, seen
from services.api.ingest.leaving import Judged, leave
from services.api.ingest.looking import Look, listing_hash, look_at_all
from services.api.ingest.place import Place, placed
from shared.artefacts import ArtefactWriter, ManifestRef, pinned
from shared.errors import InvalidInput
from shared.sharding import cut
from shared.types.tasks import StepTask
from shared.worker.context import StepContext


@dataclass(frozen=True)
class Rules:
    """What the operator chose: folders that may be read, bytes that may be unpacked, worker processes, pictures."""

    roots: tuple[Path, ...]
    limit_bytes: int
    processes: int
    images: ImageRules = field(default=ImageRules())
    images_per_part: int = 512


def ingest(context: StepContext, rules: Rules) -> ManifestRef:
    """A data set with errors is a well-ended step too: its report says what is wrong. Raises InvalidInput when there is
    nothing to report on (no known layout, an unreadable file)."""
    request = IngestRequest.model_validate(context.task.params)
    with placed(context.store, request.source, rules.roots, rules.limit_bytes, context.check) as place:
        if request.kind == "instructions":
            return _ingest_instructions(context, rules, request, place)
        listing = _with_wishes(_read(place, request), request)
        items = with_splits(listing.items, request.seed, request.validation_share, request.test_share)
        task = _pinned(context.task, items, rules.images)
        examined = ArtefactWriter(context.store, _below(task, "examined"), Examined)
        parts = cut(items, rules.images_per_part)
        look_at_all(context, examined, parts, Look(context.store, place.roots, rules.images), rules.processes)
    choice = Choice(request.seed)
    verdict = judge(listing, _shown_to(choice, examined.read()), request.policy)
    return leave(context, task, examined, len(parts), Judged(listing, verdict, choice))


def _ingest_instructions(context: StepContext, rules: Rules, request: IngestRequest, place: Place) -> ManifestRef:
    read = read_instructions(place.path)
    task = _pinned(context.task, read.items, rules.images, read.conversations)
    examined = ArtefactWriter(context.store, _below(task, "examined"), Examined)
    parts = cut(read.items, rules.images_per_part)
    look_at_all(context, examined, parts, Look(context.store, place.roots, rules.images), rules.processes)
    found = seen(read, examined.read(), Lines(request.policy))
    return leave_instructions(context, task, examined, len(parts), found)


def _read(place: Place, request: IngestRequest) -> Listing:
    """A temporary folder's name says nothing to a user."""
    try:
        listing = read_listing(place.path, request.layout, request.options)
        return replace(listing, findings=(*listing.findings, *of_unlisted(listing, place.path)))
    except InvalidInput as error:
        message = error.message if request.source.path else error.message.replace(str(place.path), "what was sent")
        raise InvalidInput(message, remedy=error.remedy, code=error.code) from error


def _shown_to(choice: Choice, rows: Iterable[Examined]) -> Iterator[Examined]:
    for row in rows:
        choice.add(row)
        yield row


def _with_wishes(listing: Listing, request: IngestRequest) -> Listing:
    """The listing with what the request says instead of it."""
    concepts = listing.concepts
    if request.concepts is not None:
        concepts = banks.matched(request.concepts, listing.classes)
    return replace(listing, concepts=concepts, domain=request.domain(listing.domain))


def _pinned(
    task: StepTask, items: Sequence[Item], images: ImageRules, conversations: Sequence[Conversation] = ()
) -> StepTask:
    """To what was found and to how pictures are stored."""
    return pinned(task, listing=listing_hash(items, conversations), images=images.model_dump())


def _below(task: StepTask, folder: str) -> StepTask:
    return task.model_copy(update={"output_prefix": f"{task.output_prefix}/{folder}"})
