"""The ingest step on real files: what it leaves, and what it says about bad ones."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.api.ingest import Rules, ingest
from shared.artefacts import Manifest, ManifestRef, read_manifest, read_rows
from shared.errors import InvalidInput, StepInterrupted
from shared.objects import ObjectStore, open_store
from shared.types.concepts import ConceptBank
from shared.types.lifecycle import StepName
from shared.types.records import Example
from shared.types.tasks import StepTask
from shared.worker.context import StepContext
from tests.services.api.pictures import LABELS, class_folders, picture, reference_folder


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(f"file://{tmp_path / 'store'}")


def task(path: Path, attempt: int = 1, **options: Any) -> StepTask:
    return StepTask(
        step_id="ing-0-ingest-0",
        job_id="ing",
        round=0,
        step=StepName.INGEST,
        attempt=attempt,
        output_prefix="datasets/ds",
        base_model="",
        teacher="",
        seed=0,
        params={"source": {"path": str(path)}, **options},
    )


def run(store: ObjectStore, path: Path, roots: tuple[Path, ...] | None = None, **options: Any) -> Manifest:
    ref = ingest(StepContext(task(path, **options), store), Rules(roots or (path.parent,), 1 << 20, processes=0))
    return read_manifest(store, ref.key)


def rows(store: ObjectStore, manifest: Manifest) -> list[Example]:
    return list(read_rows(store, [f"datasets/ds/manifest-a{manifest.attempt}.json"], Example))


def codes(manifest: Manifest, kind: str) -> list[str]:
    return [finding["code"] for finding in manifest.extra["report"][kind]]


def test_a_good_data_set_leaves_examples_images_and_a_concept_bank(store: ObjectStore, tmp_path: Path) -> None:
    manifest = run(store, reference_folder(tmp_path))
    examples = rows(store, manifest)
    assert Counter(e.split for e in examples) == manifest.extra["splits"] == {"train": 8, "validation": 2, "test": 4}
    assert all(store.size_bytes(e.image_key) for e in examples)
    assert {(e.width, e.height) for e in examples} == {(8, 8)}
    assert len({e.id for e in examples}) == 14
    bank = ConceptBank.model_validate_json(store.get(manifest.extra["concept_bank"]))
    assert bank.concepts["blue wren"] == ("blue wren wings", "blue wren tail")
    assert (codes(manifest, "errors"), codes(manifest, "warnings")) == ([], [])


def test_real_photographs_are_read_in_the_references_layout(store: ObjectStore, test_data: Path) -> None:
    manifest = run(store, test_data / "cub-200", roots=(test_data,))
    examples = rows(store, manifest)
    assert codes(manifest, "errors") == []
    assert len(manifest.extra["classes"]) == 10
    splits = manifest.extra["splits"]
    assert (splits["train"] + splits["validation"], splits["test"]) == (263, 137)
    assert len({e.label for e in examples if e.split == "validation"}) == 10
    assert all((test_data / e.source).is_file() for e in examples)


def test_real_class_folders_keep_their_split(store: ObjectStore, test_data: Path) -> None:
    manifest = run(store, test_data / "chest_xray", roots=(test_data,))
    splits = manifest.extra["splits"]
    assert (splits["train"] + splits["validation"], splits["test"]) == (56, 24)
    assert manifest.extra["concept_bank"] is None
    assert codes(manifest, "warnings") == ["no_concept_bank"]


def test_every_image_that_does_not_decode_is_named(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=4)
    _break_some(folder / LABELS[0])
    manifest = run(store, folder)
    found = {f["file"]: f["code"] for f in manifest.extra["report"]["errors"]}
    name = LABELS[0]
    assert found == {
        f"{name}/empty.png": "image_broken",
        f"{name}/cut.png": "image_broken",
        f"{name}/text.jpg": "image_broken",
    }
    assert len(rows(store, manifest)) == 8


def test_broken_images_may_be_skipped(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=4)
    _break_some(folder / LABELS[0])
    manifest = run(store, folder, policy="skip")
    assert codes(manifest, "errors") == []
    assert codes(manifest, "warnings").count("image_broken") == 3


def test_an_image_that_is_missing_or_leads_elsewhere_is_named(store: ObjectStore, tmp_path: Path) -> None:
    folder = reference_folder(tmp_path / "in")
    train = json.loads((folder / "birds-train.json").read_text())
    train[0]["img_path"] = "pictures/none.png"
    train[1]["img_path"] = "../../outside.png"
    picture(tmp_path / "outside.png", 1)
    (folder / "birds-train.json").write_text(json.dumps(train))
    manifest = run(store, folder)
    assert sorted(codes(manifest, "errors")) == ["image_missing", "path_not_allowed"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: (f / "green owl").mkdir(), "empty_class"),
        (lambda f: shutil.rmtree(f / LABELS[0]), "too_few_classes"),
    ],
)
def test_classes_that_cannot_be_learnt_are_errors(
    store: ObjectStore, tmp_path: Path, change: Callable[[Path], Any], code: str
) -> None:
    folder = class_folders(tmp_path / "birds", per_class=3)
    change(folder)
    assert code in codes(run(store, folder), "errors")


def test_copies_leaks_and_contradictions_are_warnings(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=3, splits=("train", "test"))
    train, test = folder / "train", folder / "test"
    shutil.copy(train / LABELS[0] / "0.png", train / LABELS[0] / "copy.png")
    shutil.copy(train / LABELS[0] / "1.png", test / LABELS[0] / "leak.png")
    shutil.copy(train / LABELS[0] / "2.png", train / LABELS[1] / "other.png")
    manifest = run(store, folder, validation_share=0)
    assert codes(manifest, "errors") == []
    assert {"copies", "leak", "copies_disagree"} <= set(codes(manifest, "warnings"))


def test_labels_missing_from_the_bank_are_told(store: ObjectStore, tmp_path: Path) -> None:
    concepts = {LABELS[0]: ["wings"], "green owl": ["eyes"]}
    manifest = run(store, reference_folder(tmp_path), concepts=concepts)
    warnings = {f["code"]: f["message"] for f in manifest.extra["report"]["warnings"]}
    assert LABELS[1] in warnings["labels_without_concepts"]
    assert "green owl" in warnings["concepts_without_images"]


def test_a_step_that_starts_again_keeps_finished_parts_and_the_whole_report(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=140)
    (folder / LABELS[1] / "0.png").write_bytes(b"")
    with pytest.raises(StepInterrupted):
        ingest(StepContext(task(folder), store, check=_stop_after(270)), Rules((tmp_path,), 1 << 20, processes=0))
    left = [key for key in store.list("datasets/ds") if key.endswith(".parquet")]
    assert len(left) == 1
    ref: ManifestRef = ingest(StepContext(task(folder, attempt=2), store), Rules((tmp_path,), 1 << 20, processes=0))
    manifest = read_manifest(store, ref.key)
    assert manifest.parts[0].key == left[0]
    assert manifest.parts[1].key.endswith("-a2.parquet")
    assert len({e.id for e in rows(store, manifest)}) == 279
    assert codes(manifest, "errors") == ["image_broken"]


def test_a_path_without_a_layout_is_the_users_fault(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no layout"):
        run(store, tmp_path)


def _break_some(folder: Path) -> None:
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:90])
    (folder / "text.jpg").write_text("not an image")


def _stop_after(calls: int) -> Callable[[], None]:
    left = iter(range(calls))

    def check() -> None:
        if next(left, None) is None:
            raise StepInterrupted

    return check
