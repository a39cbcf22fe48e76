"""A round's predictions beside what is known of their images. Reads artefacts; judges nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.artefacts import read_manifest, read_rows
from shared.objects import ObjectStore
from shared.types.records import Prediction, Split


@dataclass(frozen=True)
class Answers:
    """Those that the engine gave, `failed` left out and counted by split. `classes` are the columns of log-likelihoods
    where there are any."""

    rows: Sequence[Prediction]
    failed: dict[Split, int]
    classes: Sequence[str]

    def of(self, split: Split) -> list[Prediction]:
        return [row for row in self.rows if row.split == split]


def read_answers(store: ObjectStore, keys: Sequence[str]) -> Answers:
    """Of an evaluation, by its manifests' keys in shard order."""
    given: list[Prediction] = []
    failed: dict[Split, int] = {}
    for row in read_rows(store, keys, Prediction):
        if row.finish_reason == "failed":
            failed[row.split] = failed.get(row.split, 0) + 1
        else:
            given.append(row)
    classes = read_manifest(store, keys[0]).extra.get("classes", []) if keys else []
    return Answers(given, failed, classes)
