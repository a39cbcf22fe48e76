"""The ingest step: reads a layout, decodes every image, copies it to the object store by its hash, and leaves the
Example rows, the concept bank and a report. Knows no database."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.api.datasets.archives import unpack
from services.api.datasets.layouts import read_listing
from services.api.datasets.listing import Finding, Item, Listing
from services.api.datasets.pictures import Picture, examine
from services.api.datasets.request import IngestRequest
from services.api.datasets.splits import with_splits
from services.api.datasets.validate import counts_by_split, report
from shared.artefacts import ArtefactWriter, ManifestRef
from shared.objects import ObjectStore
from shared.sharding import cut
from shared.types.concepts import ConceptBank
from shared.types.records import Example
from shared.worker.context import StepContext

_PER_PART = 256
Roots = tuple[Path, ...]


def ingest(context: StepContext, roots: Roots, upload_limit_bytes: int) -> ManifestRef:
    """A data set with errors is a well-ended step too: its report says what is wrong. Raises InvalidInput when there is
    nothing to report on (no known layout, an unreadable file)."""
    request = IngestRequest.model_validate(context.task.params)
    with _place(context.store, request, roots, upload_limit_bytes) as (path, allowed):
        listing = read_listing(path)
        items = with_splits(listing.items, request.seed, request.validation_share, request.test_share)
        writer = ArtefactWriter(context.store, context.task, Example)
        parts = cut(items, _PER_PART)
        flaws: list[Finding] = []
        for number, part in enumerate(parts):
            flaws += _write_part(context, writer, number, part, allowed)
            context.progress(number + 1, len(parts), {})
    concepts = _concepts(listing, request)
    listing = replace(listing, items=items, concepts=concepts)
    return writer.finish(len(parts), extra=_extra(context, listing, list(writer.read()), flaws, request))


@contextmanager
def _place(store: ObjectStore, request: IngestRequest, roots: Roots, limit_bytes: int) -> Iterator[tuple[Path, Roots]]:
    """Where the data set lies, and the folders that its images may lie in."""
    if request.source.path is not None:
        yield Path(request.source.path), roots
        return
    with tempfile.TemporaryDirectory(prefix="selfsynth-upload-") as folder:
        archive, inside = Path(folder) / "archive", Path(folder) / "inside"
        store.get_to_file(request.source.upload or "", archive)
        unpack(archive, inside, limit_bytes)
        yield inside, (inside,)


def _write_part(
    context: StepContext, writer: ArtefactWriter[Example], number: int, items: Sequence[Item], roots: Roots
) -> list[Finding]:
    """Images of a part that an earlier attempt has written are opened again only to say what is wrong with them."""
    rows: list[Example] = []
    flaws: list[Finding] = []
    for item in items:
        context.check()
        found = examine(item.path, item.source, roots)
        if isinstance(found, Finding):
            flaws.append(found)
        elif number not in writer.done:
            rows.append(_stored(context, item, found))
    writer.put(number, rows)
    return flaws


def _stored(context: StepContext, item: Item, picture: Picture) -> Example:
    """The picture's bytes are copied unless the store has them."""
    key = f"{context.task.output_prefix}/images/{picture.sha256}.{picture.extension}"
    if context.store.size_bytes(key) is None:
        context.store.put(key, picture.body)
    assert item.split is not None
    return Example(
        id=item.id,
        image_key=key,
        label=item.label,
        split=item.split,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        source=item.source,
        group=item.group,
    )


def _concepts(listing: Listing, request: IngestRequest) -> Mapping[str, tuple[str, ...]] | None:
    if request.concepts is None:
        return listing.concepts
    return {label: tuple(dict.fromkeys(concepts)) for label, concepts in request.concepts.items()}


def _extra(
    context: StepContext, listing: Listing, examples: list[Example], flaws: list[Finding], request: IngestRequest
) -> dict[str, Any]:
    return {
        "layout": listing.layout,
        "classes": list(listing.labels),
        "class_names": [name.model_dump(mode="json") for name in listing.classes],
        "domain": listing.domain.model_dump(mode="json"),
        "splits": counts_by_split(examples),
        "report": report(listing, examples, flaws, request.policy),
        "concept_bank": _write_bank(context, listing.concepts),
    }


def _write_bank(context: StepContext, concepts: Mapping[str, tuple[str, ...]] | None) -> str | None:
    if concepts is None:
        return None
    key = bank_key(context.task.output_prefix, 1)
    context.store.put(key, ConceptBank(version=1, concepts=dict(concepts)).model_dump_json(indent=1).encode())
    return key


def bank_key(prefix: str, version: int) -> str:
    return f"{prefix}/concepts-v{version}.json"
