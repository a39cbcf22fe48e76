"""Images are looked at once, by several processes, and stored once for all data sets."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.artefacts import read_manifest
from shared.errors import StepInterrupted, StoreFull
from shared.objects import ObjectStore
from tests.services.api.ingest.running import PER_PART, examples, ingest_task, run
from tests.services.api.pictures import LABELS, class_folders, picture, reference_folder


def stop_after(images: int) -> Callable[[], None]:
    left = iter(range(images))

    def check() -> None:
        if next(left, None) is None:
            raise StepInterrupted

    return check


def images(store: ObjectStore) -> list[str]:
    return store.list("images")


def test_an_image_is_stored_once_for_all_data_sets(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=3)
    tasks = [ingest_task(folder, dataset=name) for name in ("one", "two")]
    manifests = [run(store, task) for task in tasks]
    assert len(images(store)) == 6
    keys = [[each.image_key for each in examples(store, task)] for task in tasks]
    assert keys[0] == keys[1]
    assert sorted(keys[0]) == images(store)
    assert all(key.split("/")[1] == key.split("/")[2][:2] for key in keys[0])
    assert [m.rows for m in manifests] == [6, 6]


def test_two_ingests_of_the_same_images_at_once_leave_whole_ones(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=10)
    with ThreadPoolExecutor(2) as threads:
        ended = list(
            threads.map(lambda name: run(store, ingest_task(folder, dataset=name), processes=2), ("one", "two"))
        )
    assert [manifest.rows for manifest in ended] == [20, 20]
    sources = {path.read_bytes() for path in folder.rglob("*.png")}
    assert {store.get(key) for key in images(store)} == sources


def test_an_attempt_that_starts_again_opens_no_image_of_a_finished_part(store: ObjectStore, tmp_path: Path) -> None:
    folder = reference_folder(tmp_path, train=40, test=10)
    with pytest.raises(StepInterrupted):
        run(store, ingest_task(folder), check=stop_after(PER_PART + 10))
    train = json.loads((folder / "birds-train.json").read_text())
    for entry in train[:PER_PART]:
        (tmp_path / entry["img_path"]).unlink()
    manifest = run(store, ingest_task(folder, attempt=2))
    assert (manifest.rows, manifest.extra["report"]["errors"]) == (100, [])
    parts = [part.key for part in read_manifest(store, manifest.extra["examined"]).parts]
    assert [key.rsplit("-", 1)[1] for key in parts] == ["a1.parquet", "a2.parquet"]


def test_parts_of_files_that_changed_in_between_are_not_mixed(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=40)
    with pytest.raises(StepInterrupted):
        run(store, ingest_task(folder), check=stop_after(PER_PART + 1))
    picture(folder / LABELS[0] / "another.png", 9999)
    again = ingest_task(folder, attempt=2)
    manifest = run(store, again)
    rows = [row.source for row in examples(store, again)]
    assert (manifest.rows, len(set(rows))) == (81, 81)


def test_progress_counts_all_images_also_those_of_an_earlier_attempt(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=40)
    with pytest.raises(StepInterrupted):
        run(store, ingest_task(folder), check=stop_after(PER_PART + 1))
    told: list[tuple[int, int]] = []
    run(store, ingest_task(folder, attempt=2), progress=lambda done, total, metrics: told.append((done, total)))
    assert told[-1] == (80, 80)
    assert all(done >= PER_PART for done, _ in told)


def test_a_full_store_is_told_as_such(store: ObjectStore, tmp_path: Path) -> None:
    class Full(ObjectStore):
        def put(self, key: str, body: bytes) -> None:
            raise StoreFull(f"the object store is full; {key!r} was not written", remedy="Free space there.")

    with pytest.raises(StoreFull, match="was not written"):
        run(Full(store.url, store._inner), ingest_task(class_folders(tmp_path / "birds", per_class=2)))
