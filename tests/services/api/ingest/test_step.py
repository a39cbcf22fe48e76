"""The ingest step on real files: what it leaves, and what it says about bad ones."""

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from shared.artefacts import Manifest
from shared.errors import InvalidInput
from shared.objects import ObjectStore
from shared.types.concepts import ConceptBank
from tests.services.api.ingest.running import examples, ingest_task, run
from tests.services.api.pictures import LABELS, class_folders, picture, reference_folder


def codes(manifest: Manifest, kind: str) -> list[str]:
    return [finding["code"] for finding in manifest.extra["report"][kind]]


def test_a_good_data_set_leaves_examples_images_and_a_concept_bank(store: ObjectStore, tmp_path: Path) -> None:
    task = ingest_task(reference_folder(tmp_path))
    manifest = run(store, task)
    found = examples(store, task)
    assert Counter(e.split for e in found) == manifest.extra["splits"] == {"train": 8, "validation": 2, "test": 4}
    assert all(store.size_bytes(e.image_key) for e in found)
    assert {(e.width, e.height) for e in found} == {(32, 32)}
    assert len({e.id for e in found}) == 14
    bank = ConceptBank.model_validate_json(store.get(manifest.extra["concept_bank"]))
    assert bank.concepts["blue wren"] == ("blue wren wings", "blue wren tail")
    assert (codes(manifest, "errors"), codes(manifest, "warnings")) == ([], [])


def test_real_photographs_are_read_in_the_references_layout(store: ObjectStore, test_data: Path) -> None:
    task = ingest_task(test_data / "cub-200")
    manifest = run(store, task)
    found = examples(store, task)
    assert codes(manifest, "errors") == []
    assert len(manifest.extra["classes"]) == 10
    splits = manifest.extra["splits"]
    assert (splits["train"] + splits["validation"], splits["test"]) == (263, 137)
    assert len({e.label for e in found if e.split == "validation"}) == 10
    assert all((test_data / e.source).is_file() for e in found)


def test_real_class_folders_keep_their_split(store: ObjectStore, test_data: Path) -> None:
    manifest = run(store, ingest_task(test_data / "chest_xray"))
    splits = manifest.extra["splits"]
    assert (splits["train"] + splits["validation"], splits["test"]) == (56, 24)
    assert manifest.extra["concept_bank"] is None
    assert {"no_concept_bank", "group_leak", "image_grey"} <= set(codes(manifest, "warnings"))
    assert manifest.extra["domain"]["noun"] == "chest X-ray"


def test_every_image_that_does_not_decode_is_named(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=4)
    _break_some(folder / LABELS[0])
    manifest = run(store, ingest_task(folder))
    found = {f["file"]: f["code"] for f in manifest.extra["report"]["errors"]}
    name = LABELS[0]
    assert found == {
        f"{name}/empty.png": "image_empty",
        f"{name}/cut.png": "image_broken",
        f"{name}/text.jpg": "image_broken",
    }
    assert manifest.rows == 8


def test_broken_images_may_be_skipped(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=4)
    _break_some(folder / LABELS[0])
    manifest = run(store, ingest_task(folder, policy="skip"))
    assert codes(manifest, "errors") == []
    assert codes(manifest, "warnings").count("image_broken") == 2
    assert (manifest.rows, manifest.extra["report"]["counts"]["image_empty"]) == (8, 1)


def test_an_image_that_is_missing_or_leads_elsewhere_is_named(store: ObjectStore, tmp_path: Path) -> None:
    folder = reference_folder(tmp_path / "in")
    train = json.loads((folder / "birds-train.json").read_text())
    train[0]["img_path"] = "pictures/none.png"
    train[1]["img_path"] = "../../outside.png"
    picture(tmp_path / "outside.png", 1)
    (folder / "birds-train.json").write_text(json.dumps(train))
    manifest = run(store, ingest_task(folder))
    assert sorted(codes(manifest, "errors")) == ["image_missing", "path_not_allowed"]


def test_labels_missing_from_the_bank_are_told(store: ObjectStore, tmp_path: Path) -> None:
    concepts = {LABELS[0]: ["wings"], "green owl": ["eyes"]}
    manifest = run(store, ingest_task(reference_folder(tmp_path), concepts=concepts))
    warnings = {f["code"]: f["message"] for f in manifest.extra["report"]["warnings"]}
    assert LABELS[1] in warnings["labels_without_concepts"]
    assert "green owl" in warnings["concepts_without_images"]


def test_a_path_without_a_layout_is_the_users_fault(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no layout"):
        run(store, ingest_task(tmp_path))


def _break_some(folder: Path) -> None:
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:90])
    (folder / "text.jpg").write_text("not an image")


def test_a_sheet_shows_some_images_of_each_class(store: ObjectStore, tmp_path: Path) -> None:
    manifest = run(store, ingest_task(class_folders(tmp_path / "birds", per_class=3)))
    [page] = manifest.extra["sheet"]
    with Image.open(io.BytesIO(store.get(page))) as image:
        assert image.format == "JPEG"


def test_the_request_may_say_what_images_show_and_which_layout_they_have(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=3)
    wishes = {"noun": "finch", "asks_for": "condition", "layout": "class_folders"}
    domain = run(store, ingest_task(folder, **wishes)).extra["domain"]
    assert (domain["noun"], domain["asks_for"]) == ("finch", "condition")
    with pytest.raises(InvalidInput, match=r"classes\.txt"):
        run(store, ingest_task(folder, layout="cub200"))


def test_files_of_no_class_are_told(store: ObjectStore, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "birds", per_class=3)
    picture(folder / "stray.png", 7)
    assert "image_unlisted" in codes(run(store, ingest_task(folder)), "warnings")
