"""Makes a listing of what a reader found: texts that can be stored, readable labels, the data set's own concept bank.
Knows no layout."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from services.api.datasets import banks
from services.api.datasets.listing import Finding, Item, Listing
from services.api.datasets.names import named, writable
from services.api.datasets.readers.reader import Draft, Reader
from shared.errors import InvalidInput


def completed(draft: Draft, reader: Reader, place: Path, bank_folders: Iterable[Path]) -> Listing:
    """Raises InvalidInput when the draft lists nothing, one id twice, or what no file can be called."""
    items = tuple(map(_writable, draft.items))
    _require_sound(items, f"{place}, read as {reader.layout},")
    labelled = [item for item in items if item.label]
    raws = (raw for raw in map(writable, draft.raws) if raw.strip())
    names = named([*raws, *(item.label for item in labelled)], reader.class_name)
    bank, bank_findings = (draft.bank, ()) if draft.bank else banks.find(bank_folders)
    return Listing(
        layout=reader.layout,
        items=tuple(replace(item, label=names.label_of[item.label]) for item in labelled),
        classes=names.classes,
        concepts=banks.matched(banks.read(bank), names.classes) if bank else None,
        findings=(*draft.findings, *_unlabelled(items), *names.findings, *bank_findings),
        domain=reader.domain,
    )


def _writable(item: Item) -> Item:
    group = None if item.group is None else writable(item.group)
    label = writable(item.label).strip() and writable(item.label)
    return replace(item, id=writable(item.id), label=label, source=writable(item.source), group=group)


def _require_sound(items: tuple[Item, ...], where: str) -> None:
    if not items:
        raise InvalidInput(f"{where} lists no image", remedy="Give a folder with images, or another layout.")
    if twice := [id_ for id_, count in Counter(item.id for item in items).items() if count > 1]:
        raise InvalidInput(f"{where} lists {twice[0]!r} twice", remedy="Give each image an id of its own.")
    if impossible := next((item for item in items if not _can_be_opened(item.path)), None):
        raise InvalidInput(f"{where} lists {impossible.source!r}, which no file can be called", remedy="Mend the list.")


def _can_be_opened(path: Path) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except ValueError:  # no name that a file could have
        return False


def _unlabelled(items: Iterable[Item]) -> tuple[Finding, ...]:
    """What has no label is in no class, and is told file by file."""
    return tuple(
        Finding(code="empty_label", message=f"{item.source} has no label", file=item.source)
        for item in items
        if not item.label
    )
