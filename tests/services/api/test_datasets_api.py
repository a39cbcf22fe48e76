"""POST and GET /datasets: by path and by upload, with good and bad ones."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.api.conftest import Stack
from tests.services.api.pictures import LABELS, class_folders, reference_folder


@pytest.fixture
def folder(standing: Stack, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own below the import root."""
    return Path(standing.settings.import_roots[0]) / str(request.node.name).replace("/", "_")[:60]


def upload(stack: Stack, folder: Path, **fields: str) -> httpx.Response:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return stack.client.post("/datasets/upload", data={"name": "up", **fields}, files={"file": packed.getvalue()})


def settled(stack: Stack, dataset: str) -> Any:
    stack.play_until(lambda: stack.get(f"/datasets/{dataset}")["status"] != "validating")
    return stack.get(f"/datasets/{dataset}")


def test_a_data_set_is_registered_validated_and_ready(standing: Stack, folder: Path) -> None:
    path = reference_folder(folder)
    response = standing.client.post("/datasets", json={"name": "birds", "source": {"path": str(path)}})
    made = response.json()
    assert (response.status_code, response.headers["location"]) == (202, f"/datasets/{made['id']}")
    assert made["status"] == "validating"
    ready = settled(standing, made["id"])
    assert (ready["status"], ready["layout"]) == ("ready", "reference_json")
    assert ready["splits"] == {"train": 8, "validation": 2, "test": 4}
    assert ready["concept_bank"] == {"version": 1, "concepts": dict.fromkeys(LABELS, 2)}
    assert made["id"] in [d["id"] for d in standing.get("/datasets")["items"]]


def test_an_example_is_shown_by_its_id(standing: Stack, folder: Path) -> None:
    dataset = standing.dataset(class_folders(folder, per_class=3))
    path = f"/datasets/{dataset['id']}/images/{LABELS[0]}/1.png"
    response = standing.client.get(path)
    assert response.content == (folder / LABELS[0] / "1.png").read_bytes()
    assert response.headers["content-type"] == "image/png"
    assert standing.client.get(f"{path}.none").status_code == 404


def test_broken_images_make_the_data_set_invalid_with_a_line_for_each_file(standing: Stack, folder: Path) -> None:
    class_folders(folder, per_class=3)
    (folder / LABELS[0] / "empty.png").write_bytes(b"")
    dataset = standing.dataset(folder)
    assert dataset["status"] == "invalid"
    assert [e["file"] for e in dataset["report"]["errors"]] == [f"{LABELS[0]}/empty.png"]
    assert standing.dataset(folder, policy="skip")["status"] == "ready"


def test_a_path_without_a_layout_ends_invalid_and_says_why(standing: Stack, folder: Path) -> None:
    folder.mkdir()
    dataset = standing.post("/datasets", {"name": "x", "source": {"path": str(folder)}})
    task = standing.next_task()
    with standing.worker.call(task) as coordinator:
        coordinator.started()
        coordinator.failed(_refusal(standing, task))
    found = settled(standing, dataset["id"])
    assert found["status"] == "invalid"
    assert "no layout that is known" in found["report"]["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/etc", "relative/path", "{root}/../..", "{root}/none"])
def test_only_existing_paths_below_the_import_roots_are_read(standing: Stack, path: str) -> None:
    path = path.format(root=standing.settings.import_roots[0])
    response = standing.client.post("/datasets", json={"name": "x", "source": {"path": path}})
    assert response.status_code == 422
    assert response.json()["code"] in ("path_not_allowed", "invalid_input")


def test_concepts_in_the_request_replace_the_data_sets_own(standing: Stack, folder: Path) -> None:
    dataset = standing.dataset(reference_folder(folder), concepts={label: ["a", "b", "b"] for label in LABELS})
    assert dataset["concept_bank"]["concepts"] == dict.fromkeys(LABELS, 2)


def test_an_upload_becomes_a_data_set(standing: Stack, folder: Path) -> None:
    response = upload(standing, class_folders(folder, per_class=4), options=json.dumps({"test_share": 0.25}))
    assert response.status_code == 202, response.text
    dataset = settled(standing, response.json()["id"])
    assert (dataset["status"], dataset["splits"]) == ("ready", {"train": 4, "validation": 2, "test": 2})


def test_an_upload_that_is_unsafe_or_unknown_makes_nothing(standing: Stack, folder: Path) -> None:
    before = len(standing.get("/datasets?limit=1000")["items"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../escape.png", b"x")
    for body, options in (
        (packed.getvalue(), "{}"),
        (b"no archive", "{}"),
        (packed.getvalue(), "{"),
        (b"", '{"x": 1}'),
    ):
        data = {"name": "bad", "options": options}
        response = standing.client.post("/datasets/upload", data=data, files={"file": body})
        assert response.status_code in (400, 422), response.text
        assert response.json()["remedy"]
    assert len(standing.get("/datasets?limit=1000")["items"]) == before


def test_an_upload_over_the_limit_is_refused(standing: Stack) -> None:
    response = standing.client.post("/datasets/upload", data={"name": "big"}, files={"file": b"x" * 200_000})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_faults_of_a_request_are_named_by_field(standing: Stack) -> None:
    response = standing.client.post("/datasets", json={"name": "", "source": {}, "policy": "hope"})
    assert response.status_code == 422
    assert {f["field"] for f in response.json()["faults"]} == {"body.name", "body.source", "body.policy"}


def _refusal(stack: Stack, task: Any) -> Any:
    from shared.errors import InvalidInput

    with pytest.raises(InvalidInput) as caught:
        stack.worker.work(task)
    return caught.value.report()
