"""The training images whose labels a job's answers put in doubt, as its selection left them. Reads artefacts only."""

from collections.abc import Sequence

from shared.artefacts import decode_rows, read_manifest
from shared.objects import ObjectStore
from shared.types.records import SuspectLabel

MOST = 100


def suspects_of(store: ObjectStore, manifests: Sequence[str]) -> list[SuspectLabel]:
    """At most MOST, the most suspect first; none of a selection that did not look for them."""
    keys = [key for manifest in manifests if (key := read_manifest(store, manifest).extra.get("suspect_labels"))]
    found = [row for key in keys for row in decode_rows(SuspectLabel, store.get(key))]
    return sorted(found, key=lambda row: (-row.share, row.own_share, row.example_id))[:MOST]
