"""Holds what the database accepted against what a copy of the store holds. Knows manifests and pointers, no steps."""

import json
from collections.abc import Iterator, Mapping, Sequence

from selfsynth.backup.objects import Sums
from shared.artefacts import read_manifest
from shared.objects import ObjectStore

ARTEFACTS = "select key, sha256 from artefacts order by key"
ADAPTERS = "select name, prefix, sha256 from adapters order by name"
_POINTERS = "adapters"


def lacking(accepted: Sequence[tuple[str, ...]], sums: Sums, store: ObjectStore) -> tuple[str, ...]:
    """Keys of accepted manifests, and of their parts, that the copy in `store` lacks or has with other bytes."""
    return tuple(_lacking(accepted, sums, store))


def _lacking(accepted: Sequence[tuple[str, ...]], sums: Sums, store: ObjectStore) -> Iterator[str]:
    for key, sha256 in accepted:
        if sums.get(key) != sha256:
            yield key
            continue
        yield from (part.key for part in read_manifest(store, key).parts if sums.get(part.key) != part.sha256)


def drop_unknown_pointers(adapters: Sequence[tuple[str, ...]], store: ObjectStore) -> None:
    """Removes the pointers to adapters that the database does not know: a round that ended while the store was being
    copied is trained again, and its adapter gets the same name."""
    known = {name: (prefix, sha256) for name, prefix, sha256 in adapters}
    for key in store.list(_POINTERS):
        pointer: Mapping[str, str] = json.loads(store.get(key))
        if known.get(pointer["name"]) != (pointer["prefix"], pointer["sha256"]):
            store.delete(key)
